namespace NatDsa.Netfilter;

/// <summary>
/// Which table a listing shows, when it does not say: <c>-L</c> and <c>-S</c> print one table without its name, and only the built-in
/// chains tell.
/// </summary>
internal static class InferredTables
{
    private static readonly string[] s_natTargets = ["MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP"];

    /// <summary>Splits a run of built-in chains into tables.</summary>
    /// <returns>For each chain, whether a table begins with it.</returns>
    public static IReadOnlyList<bool> BeginningsIn(IReadOnlyList<string> chains)
    {
        // The fewest tables that explain the run, from the end backwards; a chain that fits no whole table costs more than any table.
        // No table has more than five chains, so the work is linear.
        const int StrayCost = 1000;
        var cost = new int[chains.Count + 1];
        var length = new int[chains.Count + 1];
        for (int start = chains.Count - 1; start >= 0; start--)
        {
            (cost[start], length[start]) = (cost[start + 1] + StrayCost, 1);
            for (int count = 2; count <= 5 && start + count <= chains.Count; count++)
            {
                string[] candidate = [.. chains.Skip(start).Take(count)];
                if (candidate.Distinct(StringComparer.Ordinal).Count() == count && BuiltInChains.TableOf(candidate) is not null && cost[start + count] + 1 <= cost[start])
                    (cost[start], length[start]) = (cost[start + count] + 1, count);
            }
        }

        var begins = new bool[chains.Count];
        for (int start = 0; start < chains.Count; start += length[start])
            begins[start] = true;
        return begins;
    }

    /// <summary>Names a table by its chains, and by targets that only <c>nat</c> can have.</summary>
    public static void Name(Table table)
    {
        string[] builtIn = [.. table.Chains.Where(chain => chain.IsBuiltIn).Select(chain => chain.Name)];
        string? name = BuiltInChains.TableOf(builtIn);
        table.IsComplete = name is not null && table.Chains.All(chain => !chain.IsBuiltIn || chain.PolicyText is not null);
        // iptables -t nat -L POSTROUTING and the like show one chain; nothing but a target can tell of what table.
        if (name is null && table.Rules.Any(rule => s_natTargets.Contains(rule.Target)))
            name = "nat";
        table.Name = name ?? "";
    }
}
