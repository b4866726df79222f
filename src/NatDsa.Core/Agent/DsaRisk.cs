namespace NatDsa;

/// <summary>What the agent on a host will do to its iptables rules.</summary>
public enum DsaRisk
{
    /// <summary>It could not be found out; the reason says why.</summary>
    Unknown,

    /// <summary>There is no agent on the host.</summary>
    NotInstalled,

    /// <summary>An agent up to 10.1, which the marker file keeps from erasing the rules.</summary>
    Protected,

    /// <summary>An agent up to 10.1 with Firewall or Intrusion Prevention on and no marker: its next start erases the rules.</summary>
    ErasesOnNextStart,

    /// <summary>An agent up to 10.1 with both modules off and no marker: turning one on erases the rules.</summary>
    ErasesWhenModuleTurnedOn,

    /// <summary>An agent from 10.2, which leaves the rules as they are.</summary>
    DoesNotErase,
}
