namespace NatDsa.Netfilter;

/// <summary>The chains that the kernel gives each table, as iptables(8) lists them.</summary>
internal static class BuiltInChains
{
    // nat has had INPUT since Linux 2.6.36 only.
    private static readonly (string Table, string[] Chains)[] s_tables =
    [
        ("filter", ["INPUT", "FORWARD", "OUTPUT"]),
        ("nat", ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
        ("nat", ["PREROUTING", "OUTPUT", "POSTROUTING"]),
        ("mangle", ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
        ("raw", ["PREROUTING", "OUTPUT"]),
        ("security", ["INPUT", "FORWARD", "OUTPUT"]),
    ];

    /// <summary>nft's word for the hook of a built-in chain; null for any other name.</summary>
    public static string? HookOf(string chain) => chain switch
    {
        "PREROUTING" => "prerouting",
        "INPUT" => "input",
        "FORWARD" => "forward",
        "OUTPUT" => "output",
        "POSTROUTING" => "postrouting",
        _ => null,
    };

    /// <summary>The chains that the kernel gives a table; none for a table that is not known.</summary>
    public static IReadOnlyList<string> Of(string table) => Array.Find(s_tables, known => known.Table == table).Chains ?? [];

    /// <summary>Whether the kernel gives this table that chain. True for every hook's name in a table that is not known.</summary>
    public static bool Has(string table, string chain)
    {
        bool known = false;
        foreach ((string name, string[] chains) in s_tables)
        {
            if (name != table)
                continue;
            known = true;
            if (chains.Contains(chain, StringComparer.Ordinal))
                return true;
        }

        return !known && HookOf(chain) is not null;
    }

    /// <summary>Whether these are all the chains that the kernel gives the table.</summary>
    public static bool AreAllOf(string table, IReadOnlyCollection<string> chains)
    {
        bool known = false;
        foreach ((string name, string[] all) in s_tables)
        {
            known |= name == table;
            if (name == table && all.Length == chains.Count && all.All(chains.Contains))
                return true;
        }

        return !known;
    }

    /// <summary>The table whose built-in chains these are, all of them; filter stands for security too. Null when there is none.</summary>
    public static string? TableOf(IReadOnlyCollection<string> chains)
    {
        foreach ((string name, string[] all) in s_tables)
        {
            if (all.Length == chains.Count && all.All(chains.Contains))
                return name;
        }

        return null;
    }
}
