namespace NatDsa.Netfilter;

/// <summary>The form in which a ruleset was written down.</summary>
public enum RulesetFormat
{
    /// <summary>None of the forms below.</summary>
    Unknown = 0,

    /// <summary><c>iptables-save</c>, <c>ip6tables-save</c>, and the files that <c>iptables-restore</c> loads. Lists every table in use.</summary>
    IptablesSave,

    /// <summary><c>iptables -S</c>: commands of one table, whose name is not in the text.</summary>
    ListRules,

    /// <summary><c>iptables -L</c> with any of its switches: one table, whose name is not in the text.</summary>
    IptablesList,

    /// <summary><c>service iptables status</c> of the RHEL 5 and 6 init script: <c>-L</c> of each table in use, under its name.</summary>
    ServiceStatus,

    /// <summary><c>nft -j list ruleset</c>, as libnftables-json(5) describes it. Lists every table.</summary>
    NftJson,
}
