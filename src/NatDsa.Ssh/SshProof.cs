namespace NatDsa.Ssh;

/// <summary>What a login is tried with, and what is missing there.</summary>
internal enum SshProofKind
{
    /// <summary>A private key's file.</summary>
    Key,

    /// <summary>A key of the ssh-agent.</summary>
    AgentKey,

    /// <summary>A password.</summary>
    Password,

    /// <summary>Not tried: a private key that is protected by a passphrase.</summary>
    LockedKey,

    /// <summary>Not tried: a private key that is of no use.</summary>
    UnusableKey,

    /// <summary>There is no ssh-agent.</summary>
    NoAgent,

    /// <summary>The ssh-agent has no keys.</summary>
    EmptyAgent,

    /// <summary>The ssh-agent did not do what it was asked.</summary>
    FailedAgent,
}

/// <summary>One of the proofs.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The key's file, what the agent calls its key, or why the agent failed.</param>
internal sealed record SshProof(SshProofKind Kind, string Name = "");
