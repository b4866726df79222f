namespace NatDsa.Netfilter;

/// <summary>The names of matches and options that rules are full of, so that asking for one makes no string.</summary>
internal static class OptionNames
{
    private static readonly NameTable s_known = Known();

    /// <summary>The name as a string: a shared one when it is well known.</summary>
    public static string Intern(ReadOnlySpan<char> name) => s_known.Find(name) is int known and >= 0 ? s_known[known] : name.ToString();

    /// <summary>
    /// Whether an option's value is free text, and so may begin with a dash: iptables-save writes a text of letters, digits, dashes
    /// and underscores without quotes.
    /// </summary>
    public static bool TakesFreeText(ReadOnlySpan<char> option) => option is
        "--comment" or "--string" or "--hex-string" or "--log-prefix" or "--nflog-prefix" or "--ulog-prefix" or "--helper" or "--name"
        or "--hashlimit-name" or "--label" or "--rateest-name" or "--rateest" or "--rateest1" or "--rateest2" or "--path"
        or "--domain" or "--led-trigger-id" or "--timeout" or "--selctx" or "--bytecode" or "--u32"
        or "--match-set" or "--add-set" or "--del-set" or "--map-set";

    private static NameTable Known()
    {
        var known = new NameTable();
        foreach (string name in (ReadOnlySpan<string>)
            [
                "addrtype", "bpf", "comment", "conntrack", "hashlimit", "icmp", "icmp6", "iprange", "limit", "mac", "mark", "multiport", "owner",
                "physdev", "pkttype", "recent", "sctp", "set", "state", "statistic", "string", "tcp", "time", "u32", "udp",
                "--comment", "--connmark", "--ctdir", "--ctorigdst", "--ctstate", "--dport", "--dports", "--dst-type", "--icmp-type",
                "--icmpv6-type", "--limit", "--limit-burst", "--log-level", "--log-prefix", "--mark", "--match-set", "--mode", "--or-mark",
                "--physdev-is-bridged", "--ports", "--probability", "--random", "--random-fully", "--rcheck", "--reject-with", "--seconds",
                "--set-mark", "--set-xmark", "--sport", "--sports", "--src-type", "--state", "--syn", "--tcp-flags", "--to-destination",
                "--to-ports", "--to-source",
            ])
            known.NumberOf(name);
        return known;
    }
}
