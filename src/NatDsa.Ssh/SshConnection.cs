using System.Net.Sockets;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>A connection to a host, on which commands can run, several at once.</summary>
/// <remarks>
/// SSH.NET waits on its caller's thread: connecting and starting a command have a thread of their own, so that hundreds of hosts do not
/// starve the pool. What breaks a wait off is the end of its socket.
/// </remarks>
internal sealed class SshConnection : IDisposable
{
    private const int Attempts = 4;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(400);

    // sshd answers the close of a connection at once, or not at all.
    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(2);

    private readonly SshServerAddress _server;
    private readonly Socket _socket;
    private readonly SshClient _client;
    private readonly SshConnection? _jumpHost;
    private SshRun? _waiting;

    private SshConnection(
        SshServerAddress server, Socket socket, SshClient client, SshConnection? jumpHost, SshProof? accepted) =>
        (_server, _socket, _client, _jumpHost, Accepted) = (server, socket, client, jumpHost, accepted);

    /// <summary>Whom it leads to.</summary>
    public SshServerAddress Server => _server;

    /// <summary>The connection that it goes through; null: none.</summary>
    public SshConnection? JumpHost => _jumpHost;

    /// <summary>What the server let the user in for.</summary>
    public SshProof? Accepted { get; }

    /// <summary>Whether it can be used, as far as is known on this side.</summary>
    public bool IsOpen => _client.IsConnected;

    /// <summary>Whether it was closed on this side. Nothing tells a command that waits of that.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The server.</summary>
    public string Host => _server.Host;

    /// <summary>Connects, checks the host's key, and logs in; through the jump host if there is one.</summary>
    /// <exception cref="SshFailureException">One of these failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left of the connection.</exception>
    public static async Task<SshConnection> OpenAsync(SshServerAddress server, SshAccess access, CancellationToken cancellation)
    {
        if (access.JumpHost is not { } jump)
            return await OpenAsync(server, access, server.Host, server.Port, null, cancellation).ConfigureAwait(false);

        SshConnection jumpHost = await OpenAsync(jump.Server, jump.Access, cancellation).ConfigureAwait(false);
        try
        {
            ForwardedPortLocal way = await jumpHost.ForwardAsync(server, cancellation).ConfigureAwait(false);
            return await OpenAsync(server, access, way.BoundHost, (int)way.BoundPort, jumpHost, cancellation).ConfigureAwait(false);
        }
        catch
        {
            jumpHost.Dispose();
            throw;
        }
    }

    /// <summary>Has the host start a command, which waits for its input then.</summary>
    /// <param name="command">The command, as the user's login shell reads it.</param>
    /// <param name="cancellation">Breaks it off; the connection ends with it.</param>
    /// <exception cref="SshFailureException">The connection broke.</exception>
    public Task<SshRun> StartAsync(string command, CancellationToken cancellation) => GuardAsync(
        async () =>
        {
            try
            {
                return await BeginAsync(command, cancellation).ConfigureAwait(false);
            }
            catch (SshException) when (IsOpen && TakeWaiting() is { } waiting)
            {
                // An sshd may allow one command at a time, MaxSessions 1.
                await waiting.EndAsync(cancellation).ConfigureAwait(false);
                return await BeginAsync(command, cancellation).ConfigureAwait(false);
            }
        },
        cancellation);

    /// <summary>Takes the command that waits for a question, if one does: it is the caller's then.</summary>
    public SshRun? TakeWaiting()
    {
        SshRun? kept = Interlocked.Exchange(ref _waiting, null);
        if (kept is null or { IsWaiting: true })
            return kept;
        kept.Dispose();
        return null;
    }

    /// <summary>Keeps a command that waits for a question; one is enough.</summary>
    public void Keep(SshRun waiting)
    {
        if (Interlocked.CompareExchange(ref _waiting, waiting, null) is not null)
            waiting.Dispose();
    }

    /// <summary>Does something that uses the connection, which ends when that fails: what is left there is not known.</summary>
    internal async Task<T> GuardAsync<T>(Func<Task<T>> use, CancellationToken cancellation)
    {
        try
        {
            return await use().ConfigureAwait(false);
        }
        catch (Exception e) when (e is SshException or SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            Abort();
            cancellation.ThrowIfCancellationRequested();
            throw new SshFailureException(SshFailure.Unreachable, _server.ToString(), e.Message, e);
        }
        catch
        {
            Abort();
            throw;
        }
    }

    /// <summary>Closes it, in the background: the far side may be dead.</summary>
    public void Dispose()
    {
        IsClosed = true;
        _ = Task.Factory.StartNew(Close, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends it without a word: whatever waits for the far side, waits no longer.</summary>
    internal void Abort() => End(_socket);

    private async Task<SshRun> BeginAsync(string command, CancellationToken cancellation)
    {
        SshCommand starting = _client.CreateCommand(command);
        return new SshRun(this, starting, await OnOwnThreadAsync(() => starting.ExecuteAsync(CancellationToken.None), cancellation).ConfigureAwait(false));
    }

    private static void End(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It had ended already.
        }

        socket.Dispose();
    }

    private static async Task<SshConnection> OpenAsync(
        SshServerAddress server, SshAccess access, string host, int port, SshConnection? jumpHost, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await LogInAsync(server, access, host, port, jumpHost, cancellation).ConfigureAwait(false);
            }
            catch (SshFailureException e) when (e.IsTransient && attempt < Attempts)
            {
                // Those who were turned away together should not come back together.
                await Task.Delay(s_firstPause * attempt * (1 + Random.Shared.NextDouble()), cancellation).ConfigureAwait(false);
            }
        }
    }

    private static async Task<SshConnection> LogInAsync(
        SshServerAddress server, SshAccess access, string host, int port, SshConnection? jumpHost, CancellationToken cancellation)
    {
        SshLoginAttempt login = await access.Login.BeginAsync(server.UserName, server.ToString(), cancellation)
            .ConfigureAwait(false);
        HostKeyCheck check = await HostKeyCheck.ReadAsync(server, access, cancellation).ConfigureAwait(false);
        var connection = new ConnectionInfo(server.Host, server.Port, server.UserName, login.Methods)
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        login.Connection = connection;
        check.AskForKnownTypesFirst(connection);

        Socket socket = await ConnectAsync(server, host, port, cancellation).ConfigureAwait(false);
        SshClient client = OwnSocketClient.Create(connection, socket);
        client.HostKeyReceived += check.Judge;
        try
        {
            using CancellationTokenRegistration abort = cancellation.UnsafeRegister(static s => End((Socket)s!), socket);
            await OnOwnThreadAsync(() => { client.Connect(); return true; }, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            return new SshConnection(server, socket, client, jumpHost, login.Accepted);
        }
        catch (Exception e)
        {
            End(socket);
            cancellation.ThrowIfCancellationRequested();
            throw check.Refusal ?? Failure(server, login, e, isTransient: connection.ServerVersion is null);
        }
    }

    private static SshFailureException Failure(
        SshServerAddress server, SshLoginAttempt login, Exception e, bool isTransient)
    {
        // A server that has had enough of tries ends the connection with these words of OpenSSH's.
        bool isRefusal = e is SshAuthenticationException
            || (e is SshConnectionException
                && e.Message.Contains("authentication failures", StringComparison.OrdinalIgnoreCase));
        return isRefusal
            ? new(SshFailure.AuthenticationFailed, server.ToString(), e.Message, e) { Proofs = login.Proofs }
            : new(SshFailure.Unreachable, server.ToString(), e.Message, e) { IsTransient = isTransient };
    }

    private static async Task<Socket> ConnectAsync(SshServerAddress server, string host, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(await HostLookup.AddressesAsync(host, cancellation).ConfigureAwait(false), port, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch (Exception e)
        {
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw new SshFailureException(SshFailure.Unreachable, server.ToString(), e.Message, e)
            {
                // A reset that comes with the connection itself is an EPIPE on Linux.
                IsTransient = e is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown },
            };
        }
    }

    /// <summary>Does something that waits. When it is cancelled, it is not waited for; whoever cancels ends the socket.</summary>
    internal static Task<T> OnOwnThreadAsync<T>(Func<T> action, CancellationToken cancellation) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancellation);

    private async Task<ForwardedPortLocal> ForwardAsync(SshServerAddress server, CancellationToken cancellation)
    {
        var way = new ForwardedPortLocal("127.0.0.1", 0, server.Host, (uint)server.Port);
        await OnOwnThreadAsync(
            () =>
            {
                _client.AddForwardedPort(way);
                way.Start();
                return true;
            },
            cancellation).ConfigureAwait(false);
        return way;
    }

    private void Close()
    {
        _client.ConnectionInfo.Timeout = s_closeLimit;
        using (new Timer(static s => End((Socket)s!), _socket, s_closeLimit, Timeout.InfiniteTimeSpan))
            _client.Dispose();
        _socket.Dispose();
        _jumpHost?.Close();
    }
}
