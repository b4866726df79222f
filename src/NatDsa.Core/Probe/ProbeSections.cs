namespace NatDsa.Probe;

/// <summary>What a probe reads. Each cmdlet asks for what it needs.</summary>
[Flags]
internal enum ProbeSections
{
    /// <summary>The host itself only: kernel, user, clock, forwarding.</summary>
    None = 0,

    /// <summary>The running rules of both back ends and families.</summary>
    Rules = 1,

    /// <summary>The marker files.</summary>
    Marker = 2,

    /// <summary>The agent: package, service, filter module, <c>dsa_query</c>.</summary>
    Agent = 4,

    /// <summary>
    /// The persisted rules, the service that loads them and the owners of rules; where nothing of source NAT is
    /// persisted, the newest good backup on the host.
    /// </summary>
    Persisted = 8,

    /// <summary>What a host can tell of itself.</summary>
    All = Rules | Marker | Agent | Persisted,

    /// <summary>What a change must know besides: whether another is at work, and whether one was rolled back that nobody was told of.</summary>
    Change = 16,

    /// <summary>
    /// Of <see cref="Persisted"/> what costs the host no process but for the files: of services, which there are.
    /// </summary>
    Files = 32,
}
