using System.Net.Sockets;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>
/// The first line of an SSH server (RFC 4253, 4.2): a host that answers with it lets new connections in. For those whose way to log in
/// belongs to somebody else's session.
/// </summary>
internal static class SshGreeting
{
    private const int MaxGreeting = 8 << 10;

    /// <summary>Connects anew, and hangs up when the server has greeted.</summary>
    /// <exception cref="HostException">No connection came about, or nothing that is an SSH server answered.</exception>
    public static async Task AwaitAsync(string computerName, string host, int port, CancellationToken cancellation)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, cancellation).ConfigureAwait(false);
            // A server may say other lines first.
            byte[] said = new byte[MaxGreeting];
            int length = 0;
            int read;
            while (length < said.Length && (read = await client.GetStream().ReadAsync(said.AsMemory(length), cancellation).ConfigureAwait(false)) > 0)
            {
                length += read;
                if (said.AsSpan(0, length).StartsWith("SSH-"u8) || said.AsSpan(0, length).IndexOf("\nSSH-"u8) >= 0)
                    return;
            }

            throw Unreachable($"{host}:{port}");
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw Unreachable(Untrusted.OneLine(e.Message), e);
        }

        HostException Unreachable(string why, Exception? inner = null) =>
            new(ErrorIds.TargetUnreachable, Messages.TargetUnreachable.With(computerName, why), inner);
    }
}

/// <summary>A session that is used once more, after the host has let a new connection in.</summary>
/// <param name="session">The session.</param>
/// <param name="greet">Makes the new connection.</param>
internal sealed class ProvenTarget(HostTarget session, Func<CancellationToken, Task> greet) : HostTarget
{
    public override string ComputerName => session.ComputerName;

    internal override string Way => session.Way;

    internal override IDisposable? Hold() => session.Hold();

    internal override Task<HostTarget?> AnewAsync(CancellationToken cancellation) => session.AnewAsync(cancellation);

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        try
        {
            await greet(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(ComputerName, limits);
        }

        return await session.RunAsync(script, limits, cancellation).ConfigureAwait(false);
    }
}
