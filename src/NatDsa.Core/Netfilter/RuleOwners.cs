namespace NatDsa.Netfilter;

/// <summary>Tells whose a chain or a rule is.</summary>
/// <remarks>
/// Sources: Docker's "Docker with iptables"; Kubernetes' "Virtual IPs and Service Proxies" and the CNI plug-ins' own documentation; firewalld's
/// chains as its "direct" documentation names them; ufw(8) and ufw-framework(8); libvirt's "Firewall and network filtering"; fail2ban's
/// actions iptables.conf and nftables.conf; shorewall(8), which says that its start replaces the whole ruleset.
/// </remarks>
internal static class RuleOwners
{
    private static readonly (string Prefix, RuleOwner Owner)[] s_prefixes =
    [
        ("DOCKER", RuleOwner.Docker),
        ("NETAVARK", RuleOwner.Podman),
        ("KUBE-", RuleOwner.Kubernetes),
        ("CNI-", RuleOwner.Kubernetes),
        ("cali-", RuleOwner.Kubernetes),
        ("FLANNEL-", RuleOwner.Kubernetes),
        ("CILIUM_", RuleOwner.Kubernetes),
        ("OLD_CILIUM_", RuleOwner.Kubernetes),
        ("WEAVE-", RuleOwner.Kubernetes),
        ("ANTREA-", RuleOwner.Kubernetes),
        ("IP-MASQ-AGENT", RuleOwner.Kubernetes),
        ("ufw-", RuleOwner.Ufw),
        ("ufw6-", RuleOwner.Ufw),
        ("LIBVIRT_", RuleOwner.Libvirt),
        ("libvirt-", RuleOwner.Libvirt),
        ("f2b-", RuleOwner.Fail2ban),
        ("fail2ban-", RuleOwner.Fail2ban),
    ];

    // What firewalld puts before and behind a zone's or policy's name; common words, so they count only beside its fixed chains.
    private static readonly string[] s_firewalldPrefixes = ["IN_", "FWD_", "FWDI_", "FWDO_", "PRE_", "POST_"];
    private static readonly string[] s_firewalldSuffixes = ["_direct", "_ZONES", "_ZONES_SOURCE", "_ZONES_IFACES", "_POLICIES_pre", "_POLICIES_post"];

    // Tables of native nft that have one owner.
    private static readonly Dictionary<string, RuleOwner> s_tables = new(StringComparer.Ordinal)
    {
        ["docker-bridges"] = RuleOwner.Docker,
        ["netavark"] = RuleOwner.Podman,
        ["kube-proxy"] = RuleOwner.Kubernetes,
        ["firewalld"] = RuleOwner.Firewalld,
        ["libvirt_network"] = RuleOwner.Libvirt,
        ["f2b-table"] = RuleOwner.Fail2ban,
    };

    public static RuleOwner Of(Chain chain)
    {
        if (s_tables.TryGetValue(chain.Table.Name, out RuleOwner owner))
            return owner;
        if (chain.IsBuiltIn)
            return RuleOwner.None;
        string name = chain.Name;
        foreach ((string prefix, RuleOwner known) in s_prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return known;
        }

        if (IsFirewalldFixed(name) || s_firewalldPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) && HasFirewalld(chain.Table))
            return RuleOwner.Firewalld;
        return chain.Table.Ruleset.TableList.Any(table => table.Chains.Find("shorewall") is not null)
            ? RuleOwner.Shorewall
            : RuleOwner.None;
    }

    public static RuleOwner Of(Rule rule)
    {
        Chain chain = rule.DeclaringChain;
        RuleOwner owner = chain.Owner;
        if (owner != RuleOwner.None)
        {
            // Docker makes the chain, with a RETURN in it, for the administrator's rules.
            return chain.Name == "DOCKER-USER" && !(rule.Target == "RETURN" && rule.IsUnconditional) ? RuleOwner.None : owner;
        }

        if (rule.TargetChain is { } target)
            return target.Owner;
        return AgentPortRules.Contains(rule) ? RuleOwner.SecurityAgent : IsDockerMasquerade(rule) ? RuleOwner.Docker : RuleOwner.None;
    }

    private static bool IsFirewalldFixed(string name) =>
        name.IndexOf('_') is int end and > 0 && BuiltInChains.HookOf(name[..end]) is not null
        && (s_firewalldSuffixes.Contains(name[end..]) || name[end..].StartsWith("_IN_ZONES", StringComparison.Ordinal) || name[end..].StartsWith("_OUT_ZONES", StringComparison.Ordinal));

    private static bool HasFirewalld(Table table) =>
        BuiltInChains.Of(table.Name).Any(chain => table.Chains.Find(chain + "_ZONES") is not null || table.Chains.Find(chain + "_direct") is not null
            || table.Chains.Find(chain + "_IN_ZONES") is not null);

    /// <summary>
    /// Docker masquerades what leaves a bridge network by another interface than its bridge, in POSTROUTING itself: <c>docker0</c>, or <c>br-</c>
    /// and the first twelve digits of the network's id.
    /// </summary>
    private static bool IsDockerMasquerade(Rule rule) =>
        rule is { Target: "MASQUERADE", SourceAddress: not null }
        && rule.OutInterface is { IsNegated: true, IsPrefix: false, Name: var bridge }
        && rule.DeclaringChain.Table.Chains.Find("DOCKER") is not null
        && (bridge == "docker0" || bridge.Length == 15 && bridge.StartsWith("br-", StringComparison.Ordinal) && bridge[3..].All(char.IsAsciiHexDigitLower));
}
