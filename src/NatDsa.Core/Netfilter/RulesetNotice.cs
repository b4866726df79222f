namespace NatDsa.Netfilter;

/// <summary>What the RHEL 5 and 6 init script says in place of rules.</summary>
public enum RulesetNotice
{
    /// <summary>Nothing: the text holds tables.</summary>
    None = 0,

    /// <summary><c>Firewall is not running</c>: no table is loaded.</summary>
    NotRunning,

    /// <summary><c>Firewall modules are not loaded</c>: the kernel has no netfilter tables at all.</summary>
    ModulesNotLoaded,

    /// <summary><c>Firewall is not configured</c>: no table is loaded, and no rules are persisted to load.</summary>
    NotConfigured,
}
