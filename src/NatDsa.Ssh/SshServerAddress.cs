namespace NatDsa.Ssh;

/// <summary>An SSH server, and the user to log in as.</summary>
/// <param name="Host">A name or an address; an IPv6 address without brackets.</param>
/// <param name="Port">Its port.</param>
/// <param name="UserName">The user.</param>
internal sealed record SshServerAddress(string Host, int Port, string UserName);
