namespace NatDsa.Ssh;

/// <summary>How servers are reached, and when they are trusted.</summary>
/// <param name="Login">How users prove who they are.</param>
/// <param name="KnownHosts">The keys that are known.</param>
internal sealed record SshAccess(SshLogin Login, KnownHostsFiles KnownHosts)
{
    /// <summary>Whether the key of a host of which none is known is added to what is known.</summary>
    public bool AcceptNewHostKey { get; init; }

    /// <summary>A server to go through; null: straight.</summary>
    public SshServerAddress? JumpHost { get; init; }
}
