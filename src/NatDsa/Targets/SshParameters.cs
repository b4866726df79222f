using System.Collections.Concurrent;
using System.Management.Automation;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>
/// What a cmdlet's parameters say of SSH: one for all hosts, so that keys, known_hosts and ssh's configuration are
/// read, and a passphrase is worked out, once.
/// </summary>
internal sealed class SshParameters
{
    private readonly Dictionary<(PSCredential? Credential, string? KeyFile), SshLogin> _logins = [];
    private readonly ConcurrentDictionary<string, KnownHostsFiles> _knownHosts = new(StringComparer.Ordinal);

    /// <summary>The keys that were read already.</summary>
    public SshKeyRing Keys { get; } = new();

    /// <summary>ssh's configuration.</summary>
    public SshConfigFiles Configuration { get; init; } = SshConfigFiles.OfSystem();

    /// <summary>The files of known hosts, the user's and the machine's.</summary>
    public KnownHostsFiles KnownHosts(IReadOnlyList<string> users, IReadOnlyList<string> machines) =>
        _knownHosts.GetOrAdd(string.Join('\n', [.. users, "", .. machines]), _ => new KnownHostsFiles(users, machines));

    /// <summary>The way that the parameters describe.</summary>
    /// <exception cref="PSArgumentException">The jump host is no name.</exception>
    public SshWay Way(
        string? userName,
        int port,
        PSCredential? credential,
        string? keyFile,
        string? knownHostsPath,
        bool acceptNewHostKey,
        string? jumpHost)
    {
        if (!_logins.TryGetValue((credential, keyFile), out SshLogin? login))
            _logins.Add((credential, keyFile), login = new SshLogin(Keys, credential?.Password, keyFile));
        string? user = !string.IsNullOrEmpty(userName) ? userName : credential?.UserName;
        return new SshWay(this, login)
        {
            UserName = string.IsNullOrEmpty(user) ? null : user,
            Port = port == 0 ? null : port,
            IsLoginGiven = credential is not null || keyFile is not null,
            KnownHostsPath = knownHostsPath,
            AcceptNewHostKey = acceptNewHostKey,
            JumpHosts = string.IsNullOrEmpty(jumpHost) ? null : Jumps(jumpHost),
        };
    }

    private static HostAddress[] Jumps(string text) => SshWay.TryReadJumps(text, out HostAddress[] jumps)
        ? jumps
        : throw new PSArgumentException(Messages.NotAHostName.With(Untrusted.OneLine(text)));
}
