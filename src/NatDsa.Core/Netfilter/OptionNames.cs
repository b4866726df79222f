namespace NatDsa.Netfilter;

/// <summary>The names of options that rules are full of, so that asking for one makes no string.</summary>
internal static class OptionNames
{
    // By what a glance at a name gives; the next free place where two names look the same.
    private static readonly string?[] s_known = Known();

    /// <summary>The name as a string: a shared one when it is well known.</summary>
    public static string Intern(ReadOnlySpan<char> name)
    {
        string?[] known = s_known;
        for (int i = Glance(name); known[i & (known.Length - 1)] is { } candidate; i++)
        {
            if (name.SequenceEqual(candidate))
                return candidate;
        }

        return name.ToString();
    }

    /// <summary>
    /// Whether an option's value is free text, and so may begin with a dash: iptables-save writes a text of letters, digits, dashes
    /// and underscores without quotes.
    /// </summary>
    public static bool TakesFreeText(ReadOnlySpan<char> option) => option is
        "--comment" or "--string" or "--hex-string" or "--log-prefix" or "--nflog-prefix" or "--ulog-prefix" or "--helper" or "--name"
        or "--hashlimit-name" or "--label" or "--rateest-name" or "--rateest" or "--rateest1" or "--rateest2" or "--path"
        or "--domain" or "--led-trigger-id" or "--timeout" or "--selctx" or "--bytecode" or "--u32"
        or "--match-set" or "--add-set" or "--del-set" or "--map-set";

    private static int Glance(ReadOnlySpan<char> name) => name.IsEmpty ? 0 : name.Length * 37 + name[^1] * 5 + name[name.Length / 2] * 11;

    private static string?[] Known()
    {
        var known = new string?[256];
        foreach (string name in (ReadOnlySpan<string>)
            [
                "--comment", "--connmark", "--ctdir", "--ctorigdst", "--ctstate", "--dport", "--dports", "--dst-type", "--icmp-type",
                "--icmpv6-type", "--limit", "--limit-burst", "--log-level", "--log-prefix", "--mark", "--match-set", "--mode", "--or-mark",
                "--physdev-is-bridged", "--ports", "--probability", "--random", "--random-fully", "--rcheck", "--reject-with", "--seconds",
                "--set-mark", "--set-xmark", "--sport", "--sports", "--src-type", "--state", "--syn", "--tcp-flags", "--to-destination",
                "--to-ports", "--to-source",
            ])
        {
            int place = Glance(name);
            while (known[place & (known.Length - 1)] is not null)
                place++;
            known[place & (known.Length - 1)] = name;
        }

        return known;
    }
}
