using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace NatDsa.Tests.Ssh;

/// <summary>What is wrong with a <see cref="BadHost"/>.</summary>
public enum Badness
{
    /// <summary>It takes the connection, and never says a word.</summary>
    BlackHole,

    /// <summary>It sends bytes that are no SSH, without end.</summary>
    Garbage,

    /// <summary>It sends lines without end, such as an SSH server may send ahead of its version.</summary>
    Chatter,

    /// <summary>It hangs up after its version.</summary>
    ClosesAfterVersion,

    /// <summary>An sshd whose connection is cut in the key exchange.</summary>
    CutInKeyExchange,

    /// <summary>An sshd whose connection is cut in the login.</summary>
    CutInLogin,

    /// <summary>An sshd whose connection is cut when it has sent half a megabyte.</summary>
    CutInAnswer,
}

/// <summary>A host on 127.0.0.1 that breaks a connection in a certain way, each anew. What is an sshd up to there is one: it is passed on to.</summary>
internal sealed class BadHost : IAsyncDisposable
{
    // Message numbers of RFC 4253.
    private const byte NewKeys = 21;
    private const byte FirstOfKeyExchange = 30;

    private const int MaxAnswer = 512 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Badness _badness;
    private readonly int _sshPort;
    private readonly Task _serving;

    public BadHost(Badness badness, int sshPort)
    {
        (_badness, _sshPort) = (badness, sshPort);
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var client = new NetworkStream(socket, ownsSocket: true);
        try
        {
            switch (_badness)
            {
                case Badness.BlackHole:
                    await client.CopyToAsync(Stream.Null, _stop.Token);
                    break;
                case Badness.Garbage or Badness.Chatter:
                    byte[] said = [.. Enumerable.Repeat("One moment, please.\r\n"u8.ToArray(), 100).SelectMany(line => line)];
                    while (true)
                    {
                        if (_badness == Badness.Garbage)
                            Random.Shared.NextBytes(said);
                        await client.WriteAsync(said, _stop.Token);
                        await Task.Delay(10, _stop.Token);
                    }

                case Badness.ClosesAfterVersion:
                    await client.WriteAsync("SSH-2.0-OpenSSH_9.9\r\n"u8.ToArray(), _stop.Token);
                    await client.ReadAtLeastAsync(new byte[4096], 1, throwOnEndOfStream: false, _stop.Token);
                    break;
                default:
                    await PassOnAsync(client);
                    break;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or EndOfStreamException)
        {
            // The client has had enough, or the test.
        }
    }

    private async Task PassOnAsync(NetworkStream client)
    {
        using var sshd = new TcpClient();
        await sshd.ConnectAsync(IPAddress.Loopback, _sshPort, _stop.Token);
        NetworkStream server = sshd.GetStream();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task questions = client.CopyToAsync(server, end.Token);
        try
        {
            await PassAnswersAsync(server, client);
        }
        finally
        {
            await end.CancelAsync();
            await questions.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Passes on what the server says, until the cut. Up to the new keys it can be read.</summary>
    private async Task PassAnswersAsync(NetworkStream server, NetworkStream client)
    {
        byte[] buffer = new byte[64 << 10];
        do
            await PassAsync(0, 1);
        while (buffer[0] != '\n');

        byte message;
        do
        {
            await server.ReadExactlyAsync(buffer.AsMemory(0, 6), _stop.Token);
            message = buffer[5];
            if (_badness == Badness.CutInKeyExchange && message >= FirstOfKeyExchange)
                return;
            await PassAsync(6, 4 + BinaryPrimitives.ReadInt32BigEndian(buffer));
        }
        while (message != NewKeys);

        // The first that comes now accepts that the client wants to log in.
        long passed = 0;
        for (int read; (read = await server.ReadAsync(buffer, _stop.Token)) > 0 && (passed += read) < MaxAnswer;)
        {
            if (_badness == Badness.CutInLogin && passed > read)
                return;
            await client.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }

        async Task PassAsync(int have, int length)
        {
            await server.ReadExactlyAsync(buffer.AsMemory(have, length - have), _stop.Token);
            await client.WriteAsync(buffer.AsMemory(0, length), _stop.Token);
        }
    }
}
