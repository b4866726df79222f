using NatDsa.Targets;
using Xunit;

namespace NatDsa.Tests.Targets;

public sealed class IdleConnectionsTests
{
    private readonly Clock _clock = new();
    private readonly IdleConnections _idle;

    public IdleConnectionsTests() => _idle = new IdleConnections(3, TimeSpan.FromSeconds(60), _clock);

    [Fact]
    public async Task A_connection_serves_who_comes_within_its_time()
    {
        var held = new HeldConnection<Connection>(c => !c.IsClosed, _idle);
        Connection first = await UseAsync(held);
        _clock.Pass(59);
        Assert.Same(first, await UseAsync(held));
        _clock.Pass(59);
        Assert.False(first.IsClosed);
        _clock.Pass(1);
        Assert.True(first.IsClosed);
        Assert.NotSame(first, await UseAsync(held));
    }

    [Fact]
    public async Task One_that_is_held_is_not_closed()
    {
        var held = new HeldConnection<Connection>(c => !c.IsClosed, _idle);
        using IDisposable hold = held.Hold();
        Connection connection = await UseAsync(held);
        _clock.Pass(600);
        _idle.CloseAll();
        Assert.False(connection.IsClosed);
        hold.Dispose();
        hold.Dispose();
        _idle.CloseAll();
        Assert.True(connection.IsClosed);
    }

    [Fact]
    public async Task One_too_many_closes_the_one_that_has_been_idle_longest()
    {
        HeldConnection<Connection>[] held = [.. Enumerable.Range(0, 4).Select(_ => new HeldConnection<Connection>(c => !c.IsClosed, _idle))];
        var connections = new List<Connection>();
        foreach (HeldConnection<Connection> one in held[..3])
            connections.Add(await UseAsync(one));
        await UseAsync(held[0]);
        connections.Add(await UseAsync(held[3]));
        Assert.Equal([false, true, false, false], connections.Select(c => c.IsClosed));
        Assert.NotSame(connections[1], await UseAsync(held[1]));
        Assert.Equal([false, true, true, false], connections.Select(c => c.IsClosed));
    }

    [Fact]
    public async Task Where_none_is_idle_the_first_that_are_let_go_are_closed()
    {
        HeldConnection<Connection>[] held = [.. Enumerable.Range(0, 4).Select(_ => new HeldConnection<Connection>(c => !c.IsClosed, _idle))];
        IDisposable[] holds = [.. held.Select(h => h.Hold())];
        var connections = new List<Connection>();
        foreach (HeldConnection<Connection> one in held)
            connections.Add(await UseAsync(one));
        Assert.DoesNotContain(connections, c => c.IsClosed);
        foreach (IDisposable hold in holds)
            hold.Dispose();
        Assert.Equal([true, false, false, false], connections.Select(c => c.IsClosed));
    }

    [Fact]
    public async Task Each_has_a_time_of_its_own()
    {
        HeldConnection<Connection>[] held = [new(c => !c.IsClosed, _idle), new(c => !c.IsClosed, _idle)];
        Connection first = await UseAsync(held[0]);
        _clock.Pass(30);
        Connection second = await UseAsync(held[1]);
        _clock.Pass(30);
        Assert.Equal((true, false), (first.IsClosed, second.IsClosed));
        _clock.Pass(30);
        Assert.True(second.IsClosed);
    }

    [Fact]
    public async Task One_that_has_died_is_opened_anew()
    {
        var held = new HeldConnection<Connection>(c => !c.IsClosed, _idle);
        (await UseAsync(held)).Dispose();
        Assert.False((await UseAsync(held)).IsClosed);
    }

    private static async Task<Connection> UseAsync(HeldConnection<Connection> held)
    {
        using IDisposable hold = held.Hold();
        return (await held.GetAsync(_ => Task.FromResult(new Connection()), TestContext.Current.CancellationToken)).Connection;
    }

    private sealed class Connection : IDisposable
    {
        public bool IsClosed { get; private set; }

        public void Dispose() => IsClosed = true;
    }

    /// <summary>Time that passes when the test says so.</summary>
    private sealed class Clock : TimeProvider
    {
        private readonly List<Alarm> _alarms = [];
        private long _now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _now;

        public void Pass(int seconds)
        {
            for (int second = 0; second < seconds; second++)
            {
                _now++;
                foreach (Alarm alarm in _alarms.Where(a => a.Due == _now).ToList())
                    alarm.Ring();
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var alarm = new Alarm(_now + (long)dueTime.TotalSeconds, () => callback(state), a => _alarms.Remove(a));
            _alarms.Add(alarm);
            return alarm;
        }

        private sealed class Alarm(long due, Action ring, Action<Alarm> remove) : ITimer
        {
            public long Due => due;

            public void Ring() => ring();

            public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

            public void Dispose() => remove(this);

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
