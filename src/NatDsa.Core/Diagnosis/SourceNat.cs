using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>Finds the rules that do source NAT for packets on their way out of the host.</summary>
internal static class SourceNat
{
    public static IEnumerable<Rule> ReachableRules(IEnumerable<Table> tables) =>
        from table in tables
        from rule in Reachability.RulesFrom(table, IsPostrouting)
        where rule.IsSourceNat
        select rule;

    private static bool IsPostrouting(Chain chain) =>
        chain.Hook == "postrouting" && (chain.HookType is "nat" || chain.HookType is null && chain.Table.Name == "nat");
}
