using System.Globalization;

namespace NatDsa.Ssh;

/// <summary>An SSH server, and the user to log in as.</summary>
/// <param name="Host">A name or an address; an IPv6 address without brackets.</param>
/// <param name="Port">Its port.</param>
/// <param name="UserName">The user.</param>
internal sealed record SshServerAddress(string Host, int Port, string UserName)
{
    private const int UsualPort = 22;

    /// <summary>What the user calls it, where ssh's configuration says that it is elsewhere.</summary>
    public string? Alias { get; init; }

    /// <summary>The host, for whoever knows it by its alias: <c>nat01 (10.0.0.1)</c>.</summary>
    public string Name => Alias is null ? Host : $"{Alias} ({Host})";

    /// <summary>As one types it: <c>root@nat01:2222</c>, <c>root@[fe80::1]</c>; <c>root@nat01 (10.0.0.1)</c>.</summary>
    public override string ToString()
    {
        string port = Port == UsualPort ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}");
        string place = (Host.Contains(':') ? $"[{Host}]" : Host) + port;
        return Alias is null ? $"{UserName}@{place}" : $"{UserName}@{Alias} ({place})";
    }
}
