using System.Net;
using System.Net.Sockets;

namespace NatDsa.Tests.Ssh;

/// <summary>Stands in front of a server on 127.0.0.1: turns callers away, lets them in, and does things to the connections that it has let in.</summary>
internal sealed class Door : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _shut = new();
    private readonly List<Task> _inside = [];
    private readonly Task _open;
    private CancellationTokenSource _cut = new();
    private CancellationTokenSource _silence = new();
    private int _callers;
    private int _connections;

    /// <summary>Opens it.</summary>
    /// <param name="server">The server's port.</param>
    /// <param name="turnedAway">So many callers are turned away before the first is let in.</param>
    /// <param name="reset">Whether they are told so by a reset.</param>
    public Door(int server, int turnedAway = 0, bool reset = false)
    {
        _listener.Start();
        _open = OpenAsync(server, turnedAway, reset);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many have called.</summary>
    public int Callers => _callers;

    /// <summary>How many of those that were let in have not left.</summary>
    public int Connections => _connections;

    /// <summary>Cuts all connections that there are.</summary>
    public void Cut() => Interlocked.Exchange(ref _cut, new CancellationTokenSource()).Cancel();

    /// <summary>From now on nothing is heard any more over the connections that there are.</summary>
    public void Silence() => Interlocked.Exchange(ref _silence, new CancellationTokenSource()).Cancel();

    /// <summary>Waits until all have left.</summary>
    public async Task UntilEmptyAsync(CancellationToken cancellation)
    {
        while (_connections > 0)
            await Task.Delay(20, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _shut.CancelAsync();
        _listener.Stop();
        await _open;
        await Task.WhenAll(_inside);
        _shut.Dispose();
        _cut.Dispose();
        _silence.Dispose();
    }

    private async Task OpenAsync(int server, int turnedAway, bool reset)
    {
        try
        {
            while (true)
            {
                TcpClient caller = await _listener.AcceptTcpClientAsync();
                if (Interlocked.Increment(ref _callers) > turnedAway)
                {
                    Interlocked.Increment(ref _connections);
                    _inside.Add(LetInAsync(caller, server));
                    continue;
                }

                if (reset)
                    caller.LingerState = new LingerOption(true, 0);
                caller.Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped: the test is over.
        }
    }

    private async Task LetInAsync(TcpClient caller, int server)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(_cut.Token, _shut.Token);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cut.Token, _silence.Token);
        using (caller)
        using (var inside = new TcpClient())
        {
            try
            {
                await inside.ConnectAsync(IPAddress.Loopback, server, end.Token);
                await await Task.WhenAny(
                    caller.GetStream().CopyToAsync(inside.GetStream(), end.Token), inside.GetStream().CopyToAsync(caller.GetStream(), end.Token));
            }
            catch (OperationCanceledException)
            {
                // Silent: what the caller says is not heard; that it leaves is.
                await caller.GetStream().CopyToAsync(Stream.Null, cut.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
            catch (IOException)
            {
                // One side has ended it.
            }
        }

        Interlocked.Decrement(ref _connections);
    }
}
