using System.Buffers.Binary;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Security.Principal;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>A key that an agent holds.</summary>
/// <param name="Type">Its type, such as <c>ssh-ed25519</c>.</param>
/// <param name="PublicKey">The public key, or the certificate, in the wire format.</param>
/// <param name="Comment">What the user calls it.</param>
internal sealed record SshAgentKey(string Type, byte[] PublicKey, string Comment);

/// <summary>
/// A running ssh-agent, which signs with the keys that it holds and hands none out (draft-miller-ssh-agent).
/// </summary>
/// <param name="address">Its socket; on Windows, its pipe.</param>
/// <param name="isNamed">Whether somebody has said that it is there.</param>
internal sealed class SshAgent(string address, bool isNamed)
{
    private const string Pipes = @"\\.\pipe\";
    private const int MaxMessage = 256 << 10;

    private const byte RequestIdentities = 11;
    private const byte IdentitiesAnswer = 12;
    private const byte SignRequest = 13;
    private const byte SignResponse = 14;

    /// <summary>Its socket; on Windows, its pipe.</summary>
    public string Address { get; } = address;

    /// <summary>Whether somebody has said that it is there.</summary>
    public bool IsNamed { get; } = isNamed;

    /// <summary>
    /// The agent that the environment names; on Windows, else that of the system. Null: there is none.
    /// </summary>
    public static SshAgent? OfEnvironment() => Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") switch
    {
        { Length: > 0 } address => new SshAgent(address, isNamed: true),
        _ when OperatingSystem.IsWindows() => new SshAgent(Pipes + "openssh-ssh-agent", isNamed: false),
        _ => null,
    };

    /// <summary>The keys that it holds.</summary>
    /// <exception cref="IOException">It does not answer, or not as an agent does.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<IReadOnlyList<SshAgentKey>> KeysAsync(CancellationToken cancellation)
    {
        byte[] answer = await AskAsync([RequestIdentities], IdentitiesAnswer, cancellation).ConfigureAwait(false);
        int at = 0;
        var keys = new List<SshAgentKey>();
        for (uint left = Number(answer, ref at); left > 0; left--)
        {
            byte[] blob = Text(answer, ref at);
            string comment = Encoding.UTF8.GetString(Text(answer, ref at));
            if (HostKey.Read(blob) is { } key)
                keys.Add(new SshAgentKey(key.Type, blob, comment));
        }

        return keys;
    }

    /// <summary>Has it sign: the answer is the signature as SSH sends it.</summary>
    /// <param name="publicKey">The key to sign with.</param>
    /// <param name="data">What is signed.</param>
    /// <param name="flags">For RSA: 2 for SHA-256, 4 for SHA-512.</param>
    /// <param name="cancellation">Ends the wait: an agent may ask its user first.</param>
    /// <exception cref="IOException">It refuses.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<byte[]> SignAsync(byte[] publicKey, byte[] data, uint flags, CancellationToken cancellation)
    {
        byte[] request = new byte[1 + 4 + publicKey.Length + 4 + data.Length + 4];
        request[0] = SignRequest;
        int at = 1;
        foreach (byte[] part in (byte[][])[publicKey, data])
        {
            BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(at), part.Length);
            part.CopyTo(request, at + 4);
            at += 4 + part.Length;
        }

        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(at), flags);
        byte[] answer = await AskAsync(request, SignResponse, cancellation).ConfigureAwait(false);
        at = 0;
        return Text(answer, ref at);
    }

    private static uint Number(byte[] message, ref int at)
    {
        if (message.Length - at < 4)
            throw Strange();
        uint number = BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(at));
        at += 4;
        return number;
    }

    private static byte[] Text(byte[] message, ref int at)
    {
        uint length = Number(message, ref at);
        if (length > message.Length - at)
            throw Strange();
        at += (int)length;
        return message[(at - (int)length)..at];
    }

    private static IOException Strange() => new("It does not answer as an agent does.");

    private async Task<byte[]> AskAsync(byte[] request, byte expected, CancellationToken cancellation)
    {
        Stream agent = await ConnectAsync(cancellation).ConfigureAwait(false);
        await using (agent.ConfigureAwait(false))
        {
            byte[] message = new byte[4 + request.Length];
            BinaryPrimitives.WriteInt32BigEndian(message, request.Length);
            request.CopyTo(message, 4);
            await agent.WriteAsync(message, cancellation).ConfigureAwait(false);

            byte[] head = new byte[4];
            await agent.ReadExactlyAsync(head, cancellation).ConfigureAwait(false);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(head);
            if (length is 0 or > MaxMessage)
                throw Strange();
            byte[] answer = new byte[length];
            await agent.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
            return answer[0] == expected ? answer[1..] : throw new IOException("It refused.");
        }
    }

    private async Task<Stream> ConnectAsync(CancellationToken cancellation)
    {
        if (Address.StartsWith(Pipes, StringComparison.OrdinalIgnoreCase))
        {
            // It may know who asks, and no more.
            var pipe = new NamedPipeClientStream(
                ".",
                Address[Pipes.Length..],
                PipeDirection.InOut,
                PipeOptions.Asynchronous,
                TokenImpersonationLevel.Identification);
            try
            {
                await pipe.ConnectAsync(0, cancellation).ConfigureAwait(false);
                return pipe;
            }
            catch (TimeoutException e)
            {
                await pipe.DisposeAsync().ConfigureAwait(false);
                throw new IOException(e.Message, e);
            }
            catch
            {
                await pipe.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Address), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e)
        {
            socket.Dispose();
            // A path that is too long for a socket is an argument that is wrong.
            throw e is SocketException or ArgumentException ? new IOException(e.Message, e) : e;
        }
    }
}
