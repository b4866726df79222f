using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>Judges the key that a host shows, before anything else is said to it.</summary>
internal sealed class HostKeyCheck
{
    private const int UsualPort = 22;

    private readonly SshServerAddress _server;
    private readonly SshAccess _access;
    private readonly KnownHosts _known;
    private readonly string _name;
    private readonly int _port;
    private readonly CancellationToken _cancellation;

    private HostKeyCheck(SshServerAddress server, SshAccess access, KnownHosts known, CancellationToken cancellation)
    {
        (_server, _access, _known, _cancellation) = (server, access, known, cancellation);
        (_name, _port) = access.HostKeyAlias is { } alias ? (alias, UsualPort) : (server.Host, server.Port);
    }

    /// <summary>Reads what is known.</summary>
    /// <param name="server">The server whose key it will be.</param>
    /// <param name="access">Where the known keys are.</param>
    /// <param name="cancellation">Ends the waits for others who write to the files.</param>
    /// <exception cref="SshFailureException">It cannot be read.</exception>
    public static async Task<HostKeyCheck> ReadAsync(
        SshServerAddress server, SshAccess access, CancellationToken cancellation)
    {
        try
        {
            KnownHosts known = await access.KnownHosts.ReadAsync(cancellation).ConfigureAwait(false);
            return new HostKeyCheck(server, access, known, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(server, e);
        }
    }

    /// <summary>Why the host is not trusted; null until it is judged, and when it is.</summary>
    public SshFailureException? Refusal { get; private set; }

    /// <summary>
    /// Puts the types of the known keys in front of the others, as OpenSSH does: a host shows one key only, that of the first type it
    /// has. Certificates are not asked for: what a host shows is then always a key that can be compared.
    /// </summary>
    public void AskForKnownTypesFirst(ConnectionInfo connection)
    {
        IOrderedDictionary<string, Func<byte[], Renci.SshNet.Security.KeyHostAlgorithm>> asked = connection.HostKeyAlgorithms;
        foreach (string certificate in asked.Keys.Where(a => a.Contains("-cert-", StringComparison.Ordinal)).ToList())
            asked.Remove(certificate);
        int front = 0;
        foreach (string algorithm in _known.TypesFor(_name, _port).SelectMany(Algorithms).Where(asked.ContainsKey))
            asked.SetPosition(algorithm, front++);
    }

    /// <summary>The event's handler.</summary>
    public void Judge(object? sender, HostKeyEventArgs e)
    {
        e.CanTrust = false;
        if (HostKey.Read(e.HostKey) is not { } key)
        {
            Refusal = new SshFailureException(SshFailure.Unreachable, _server.Name, "The host's key cannot be read.");
            return;
        }

        HostKeyVerdict verdict = _known.Judge(_name, _port, key);
        if (verdict == HostKeyVerdict.Unknown && _access.AcceptNewHostKey)
        {
            try
            {
                // The key exchange goes on when this returns: there is nothing else for this thread to do.
                verdict = _access.KnownHosts.AddAsync(_name, _port, key, _cancellation)
                    .GetAwaiter().GetResult();
            }
            catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
            {
                // Whoever cancels ends the connection.
                return;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Refusal = Unusable(_server, failure);
                return;
            }
        }

        SshFailure? refusal = verdict switch
        {
            HostKeyVerdict.Known => null,
            HostKeyVerdict.Unknown => SshFailure.HostKeyUnknown,
            HostKeyVerdict.Revoked => SshFailure.HostKeyRevoked,
            _ => SshFailure.HostKeyChanged,
        };
        if (refusal is { } why)
            Refusal = new SshFailureException(why, _server.Name, _access.KnownHosts.Path) { Key = key };
        e.CanTrust = refusal is null;
    }

    /// <summary>The names under which a key's type is asked for: an RSA key signs in three ways.</summary>
    private static string[] Algorithms(string type) => type == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type];

    private static SshFailureException Unusable(SshServerAddress server, Exception e) =>
        new(SshFailure.KnownHostsUnusable, server.Name, e.Message, e);
}
