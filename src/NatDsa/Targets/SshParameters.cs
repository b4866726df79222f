using System.Management.Automation;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>
/// What a cmdlet's parameters say of SSH: one for all hosts, so that a key and known_hosts are read, and a passphrase is worked out, once.
/// </summary>
internal sealed class SshParameters
{
    private readonly Dictionary<(PSCredential? Credential, string? KeyFile), SshLogin> _logins = [];

    private KnownHostsFiles? _knownHosts;
    private string? _knownHostsPath;

    /// <summary>The way that the parameters describe.</summary>
    /// <exception cref="PSArgumentException">The jump host is no name.</exception>
    public SshWay Way(string? userName, int port, PSCredential? credential, string? keyFile, string? knownHostsPath, bool acceptNewHostKey, string? jumpHost)
    {
        if (!_logins.TryGetValue((credential, keyFile), out SshLogin? login))
            _logins.Add((credential, keyFile), login = new SshLogin(credential?.Password, keyFile));
        string user = !string.IsNullOrEmpty(userName) ? userName : credential?.UserName is { Length: > 0 } name ? name : Environment.UserName;
        if (_knownHosts is null || _knownHostsPath != knownHostsPath)
            (_knownHosts, _knownHostsPath) = (new KnownHostsFiles(knownHostsPath), knownHostsPath);
        var access = new SshAccess(login, _knownHosts)
        {
            AcceptNewHostKey = acceptNewHostKey,
            JumpHost = string.IsNullOrEmpty(jumpHost) ? null : Jump(jumpHost, user),
        };
        return new SshWay(user, port == 0 ? SshWay.DefaultPort : port, access);
    }

    private static SshServerAddress Jump(string text, string user) => HostAddress.TryRead(text, out HostAddress address)
        ? new SshServerAddress(address.Host, address.Port ?? SshWay.DefaultPort, address.UserName ?? user)
        : throw new PSArgumentException(Messages.NotAHostName.With(Untrusted.OneLine(text)));
}

/// <summary>How the hosts of one cmdlet are reached by SSH.</summary>
/// <param name="UserName">The user, where a host's name has none.</param>
/// <param name="Port">The port, where a host's name has none.</param>
/// <param name="Access">All the rest.</param>
internal sealed record SshWay(string UserName, int Port, SshAccess Access)
{
    public const int DefaultPort = 22;

    /// <summary>A host.</summary>
    /// <param name="name">What the user calls it.</param>
    /// <param name="address">What that says.</param>
    public SshTarget To(string name, HostAddress address) =>
        new(name, new SshServerAddress(address.Host, address.Port ?? Port, address.UserName ?? UserName), Access);
}
