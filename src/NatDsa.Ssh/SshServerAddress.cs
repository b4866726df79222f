using System.Globalization;

namespace NatDsa.Ssh;

/// <summary>An SSH server, and the user to log in as.</summary>
/// <param name="Host">A name or an address; an IPv6 address without brackets.</param>
/// <param name="Port">Its port.</param>
/// <param name="UserName">The user.</param>
internal sealed record SshServerAddress(string Host, int Port, string UserName)
{
    private const int UsualPort = 22;

    /// <summary>As one types it: <c>root@nat01</c>, <c>root@[fe80::1]:2222</c>.</summary>
    public override string ToString() =>
        $"{UserName}@{(Host.Contains(':') ? $"[{Host}]" : Host)}{(Port == UsualPort ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}"))}";
}
