namespace NatDsa.Ssh;

/// <summary>Why a host could not be reached, or did not run what it was asked to.</summary>
internal enum SshFailure
{
    /// <summary>No connection, or one that broke: no name, no answer, no common algorithm, no SSH.</summary>
    Unreachable,

    /// <summary>known_hosts has no key for the host.</summary>
    HostKeyUnknown,

    /// <summary>known_hosts has other keys for the host than the one that it shows.</summary>
    HostKeyChanged,

    /// <summary>known_hosts says that the key that the host shows must not be trusted any more.</summary>
    HostKeyRevoked,

    /// <summary>A known_hosts file could not be read or written.</summary>
    KnownHostsUnusable,

    /// <summary>There is no key and no password to log in with.</summary>
    NothingToLogInWith,

    /// <summary>A private key could not be read.</summary>
    KeyUnusable,

    /// <summary>The host refused the user, the key or the password.</summary>
    AuthenticationFailed,

    /// <summary>More standard output than was allowed.</summary>
    TooMuchOutput,
}

/// <summary>A connection or a command that failed. What it says never holds a secret.</summary>
internal sealed class SshFailureException(SshFailure failure, string host, string said, Exception? inner = null) : Exception(said, inner)
{
    /// <summary>Which cause.</summary>
    public SshFailure Failure { get; } = failure;

    /// <summary>The host that it happened with, the target or the jump host: by name, or with user and port where these may be the reason.</summary>
    public string Host { get; } = host;

    /// <summary>The key that the host showed, where it is about that.</summary>
    public HostKey? Key { get; init; }

    /// <summary>What the login was tried with, and what was missing, where it is about that.</summary>
    public IReadOnlyList<SshProof> Proofs { get; init; } = [];

    /// <summary>Whether the server hung up before it said a word, as one does that has too many logins at once (sshd's <c>MaxStartups</c>).</summary>
    public bool IsTransient { get; init; }
}
