using System.Diagnostics.CodeAnalysis;

namespace NatDsa.Targets;

/// <summary>A connection that a run opens, and that stays open for as long as somebody holds it, and for a while after that.</summary>
/// <param name="isOpen">Whether it can still be used, as far as is known on this side.</param>
/// <param name="idle">Where it is kept when nobody holds it; when it is not given, among those of the process.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to dispose of.")]
internal sealed class HeldConnection<T>(Func<T, bool> isOpen, IdleConnections? idle = null) : IIdleConnection
    where T : class, IDisposable
{
    private readonly IdleConnections _idle = idle ?? IdleConnections.OfProcess;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly object _lock = new();
    private T? _connection;
    private int _holders;

    /// <summary>Keeps the connection open; when the last one has let go, it is idle.</summary>
    public IDisposable Hold()
    {
        lock (_lock)
            _holders++;
        _idle.Forget(this);
        return new Holder(this);
    }

    /// <summary>The connection, if it is open. The caller holds it.</summary>
    public T? Open
    {
        get
        {
            lock (_lock)
                return _connection is { } usable && isOpen(usable) ? usable : null;
        }
    }

    /// <summary>The connection, opened if it is not open, and whether it is a new one. The caller holds it.</summary>
    public async Task<(T Connection, bool IsNew)> GetAsync(Func<CancellationToken, Task<T>> open, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_connection is { } usable && isOpen(usable))
                return (usable, false);
            Drop();
            T opened = await open(cancellation).ConfigureAwait(false);
            _idle.Opened();
            lock (_lock)
                _connection = opened;
            return (opened, true);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes it: what a failed run left there is not known.</summary>
    public void Drop()
    {
        // First: one that is opened in the meantime is listed anew.
        _idle.Forget(this);
        T? connection;
        lock (_lock)
            (connection, _connection) = (_connection, null);
        Close(connection);
    }

    void IIdleConnection.CloseIfIdle()
    {
        T? connection = null;
        lock (_lock)
        {
            if (_holders == 0)
                (connection, _connection) = (_connection, null);
        }

        Close(connection);
    }

    private void Close(T? connection)
    {
        if (connection is null)
            return;
        _idle.Closed();
        connection.Dispose();
    }

    private void LetGo()
    {
        lock (_lock)
        {
            if (--_holders > 0 || _connection is null)
                return;
        }

        // Who takes hold of it now is not harmed: what is held is not closed.
        _idle.Keep(this);
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
