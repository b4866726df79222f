namespace NatDsa.Targets;

/// <summary>A connection that stays open for a while when nobody holds it.</summary>
internal interface IIdleConnection
{
    /// <summary>Closes it, unless somebody holds it again.</summary>
    void CloseIfIdle();
}

/// <summary>
/// The connections of the process that are open and that nobody holds: what comes next, another cmdlet say, finds them open. Each has its time.
/// </summary>
/// <param name="limit">
/// How many may be open, idle or not, for one to be kept. Whoever opens more closes the one that has been idle the longest; where none is, those that
/// are let go are closed.
/// </param>
/// <param name="time">How long each is kept.</param>
/// <param name="clock">What time it is.</param>
internal sealed class IdleConnections(int limit, TimeSpan time, TimeProvider clock)
{
    private readonly object _lock = new();
    private readonly LinkedList<(IIdleConnection Connection, long Since)> _idle = [];
    private readonly Dictionary<IIdleConnection, LinkedListNode<(IIdleConnection Connection, long Since)>> _nodes = [];
    private ITimer? _timer;
    private int _open;

    /// <summary>Those of this process. A connection is a socket and a thread.</summary>
    public static IdleConnections OfProcess { get; } = new(100, TimeSpan.FromSeconds(60), TimeProvider.System);

    /// <summary>A connection was opened, idle or not.</summary>
    public void Opened()
    {
        if (Interlocked.Increment(ref _open) <= limit)
            return;
        IIdleConnection? oldest;
        lock (_lock)
            oldest = _idle.Count > 0 ? RemoveFirst() : null;
        oldest?.CloseIfIdle();
    }

    /// <summary>A connection was closed.</summary>
    public void Closed() => Interlocked.Decrement(ref _open);

    /// <summary>Nobody holds it any more.</summary>
    public void Keep(IIdleConnection connection)
    {
        lock (_lock)
        {
            if (_nodes.ContainsKey(connection))
                return;
            if (_open <= limit)
            {
                _nodes.Add(connection, _idle.AddLast((connection, clock.GetTimestamp())));
                _timer ??= clock.CreateTimer(static s => ((IdleConnections)s!).CloseOld(), this, time, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        connection.CloseIfIdle();
    }

    /// <summary>Somebody holds it, or it is closed.</summary>
    public void Forget(IIdleConnection connection)
    {
        lock (_lock)
        {
            if (_nodes.Remove(connection, out LinkedListNode<(IIdleConnection Connection, long Since)>? node))
                _idle.Remove(node);
        }
    }

    /// <summary>Closes all of them.</summary>
    public void CloseAll() => Close(static _ => true);

    private void CloseOld()
    {
        Close(since => clock.GetElapsedTime(since) >= time);
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = _idle.First is { Value.Since: var since }
                ? clock.CreateTimer(static s => ((IdleConnections)s!).CloseOld(), this, Left(since), Timeout.InfiniteTimeSpan)
                : null;
        }
    }

    private TimeSpan Left(long since) => time - clock.GetElapsedTime(since) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private void Close(Func<long, bool> isDue)
    {
        var due = new List<IIdleConnection>();
        lock (_lock)
        {
            while (_idle.First is { } first && isDue(first.Value.Since))
                due.Add(RemoveFirst());
        }

        due.ForEach(static c => c.CloseIfIdle());
    }

    private IIdleConnection RemoveFirst()
    {
        IIdleConnection first = _idle.First!.Value.Connection;
        _idle.RemoveFirst();
        _nodes.Remove(first);
        return first;
    }
}
