using System.Diagnostics.CodeAnalysis;

namespace NatDsa.Targets;

/// <summary>A connection that a run opens, and that stays open for as long as somebody holds it.</summary>
/// <param name="isOpen">Whether it can still be used.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to dispose of.")]
internal sealed class HeldConnection<T>(Func<T, bool> isOpen)
    where T : class, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly object _lock = new();
    private T? _connection;
    private int _holders;

    /// <summary>Keeps the connection open; the last one who lets go closes it.</summary>
    public IDisposable Hold()
    {
        lock (_lock)
            _holders++;
        return new Holder(this);
    }

    /// <summary>The connection, opened if it is not open. The caller holds it.</summary>
    public async Task<T> GetAsync(Func<CancellationToken, Task<T>> open, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_connection is { } usable && isOpen(usable))
                return usable;
            Drop();
            T opened = await open(cancellation).ConfigureAwait(false);
            lock (_lock)
                _connection = opened;
            return opened;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes it: what a failed run left there is not known.</summary>
    public void Drop()
    {
        T? connection;
        lock (_lock)
            (connection, _connection) = (_connection, null);
        connection?.Dispose();
    }

    private void LetGo()
    {
        bool last;
        lock (_lock)
            last = --_holders == 0;
        if (last)
            Drop();
    }

    private sealed class Holder(HeldConnection<T> connection) : IDisposable
    {
        private int _letGo;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _letGo, 1) == 0)
                connection.LetGo();
        }
    }
}
