using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>Finds the rules that do source NAT for packets on their way out of the host.</summary>
internal static class SourceNat
{
    public static IEnumerable<Rule> ReachableRules(IEnumerable<Ruleset> rulesets) =>
        from ruleset in rulesets
        from table in ruleset.Tables
        from rule in Reachability.RulesFrom(table, IsPostrouting)
        where rule.IsSourceNat
        select rule;

    private static bool IsPostrouting(Chain chain) =>
        chain.Hook == "postrouting" && (chain.HookType is "nat" || chain.HookType is null && chain.Table.Name == "nat");
}
