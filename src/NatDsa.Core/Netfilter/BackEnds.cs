namespace NatDsa.Netfilter;

/// <summary>The programs that show and load rules, by which a host's rulesets are told apart.</summary>
internal static class BackEnds
{
    public const string Nft = "nft";

    private static readonly string[] s_known = ["iptables", "iptables-nft", "iptables-legacy", "ip6tables", "ip6tables-nft", "ip6tables-legacy"];

    /// <summary>The family whose rules a program shows; unknown for nft, which shows all.</summary>
    public static NetfilterFamily FamilyOf(string backEnd) =>
        backEnd.StartsWith("ip6tables", StringComparison.Ordinal) ? NetfilterFamily.IPv6
        : backEnd.StartsWith("iptables", StringComparison.Ordinal) ? NetfilterFamily.IPv4
        : NetfilterFamily.Unknown;

    /// <summary>What a file's name tells: <c>iptables-nft.rules</c>, <c>ip6tables.txt</c>; null when it tells nothing.</summary>
    public static string? OfFile(string fileName)
    {
        string stem = fileName.Split('.')[0];
        return s_known.Contains(stem) ? stem : null;
    }

    /// <summary>The family that a file's name tells: its back end's, or by the names that distributions give, <c>rules.v4</c> and <c>rules.v6</c>.</summary>
    public static NetfilterFamily FamilyOfFile(string fileName) =>
        OfFile(fileName) is { } backEnd ? FamilyOf(backEnd)
        : fileName.EndsWith(".v4", StringComparison.Ordinal) ? NetfilterFamily.IPv4
        : fileName.EndsWith(".v6", StringComparison.Ordinal) ? NetfilterFamily.IPv6
        : NetfilterFamily.Unknown;
}
