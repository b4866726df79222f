namespace NatDsa.Ssh;

/// <summary>How a server is reached, and when it is trusted.</summary>
/// <param name="Login">How the user proves who he is.</param>
/// <param name="KnownHosts">The keys that are known.</param>
internal sealed record SshAccess(SshLogin Login, KnownHostsFiles KnownHosts)
{
    /// <summary>Whether the key of a host of which none is known is added to what is known.</summary>
    public bool AcceptNewHostKey { get; init; }

    /// <summary>The name by which the server's key is known; null: its own, and its port.</summary>
    public string? HostKeyAlias { get; init; }

    /// <summary>The server to go through; null: straight.</summary>
    public SshRoute? JumpHost { get; init; }
}

/// <summary>A server, and how it is reached.</summary>
/// <param name="Server">The server.</param>
/// <param name="Access">How it is reached.</param>
internal sealed record SshRoute(SshServerAddress Server, SshAccess Access);
