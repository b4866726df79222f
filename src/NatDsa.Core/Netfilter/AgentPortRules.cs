namespace NatDsa.Netfilter;

/// <summary>
/// The rules that the agent (10.2 and later) and a Manager on the host add while iptables runs: ACCEPT of their own TCP ports. Source: the
/// vendor's "Using Deep Security with iptables".
/// </summary>
internal static class AgentPortRules
{
    private static readonly string[] s_ports = ["4118", "4119", "4120", "4122"];

    public static bool Contains(Rule rule)
    {
        if (rule is not { Target: "ACCEPT", Protocol: "tcp", Table: "filter" })
            return false;
        if (rule is not { InInterface: null or { IsAny: true }, OutInterface: null or { IsAny: true } })
            return false;
        if (rule.SourceAddress is { IsAny: false } || rule.DestinationAddress is { IsAny: false })
            return false;
        if (rule.Has(RuleTraits.IsNft))
            return IsOwnPort(NftStatements.Of(rule));
        return rule.Has(RuleTraits.OptionsAreText) ? IsOwnPort(rule.Options) : IsOwnPort(rule.Matches);
    }

    private static bool IsOwnPort(RuleMatchList matches)
    {
        bool port = false;
        foreach (RuleMatch match in matches)
        {
            foreach (RuleOption option in match.Options)
            {
                if (option.IsNegated)
                    return false;
                if (match.Name == "tcp" && option.Name is "--dport" or "--destination-port" && s_ports.Contains(option.Value))
                    port = true;
                else if (match.Name is not ("comment" or "state" or "conntrack") || option.Name is not ("--comment" or "--state" or "--ctstate"))
                    return false;
            }
        }

        return port;
    }

    // As nft has it; iptables-nft keeps a comment or a state to itself, or says it in nft's words.
    private static bool IsOwnPort(IReadOnlyList<string> statements)
    {
        bool port = false;
        foreach (string statement in statements)
        {
            if (statement.StartsWith("tcp dport ", StringComparison.Ordinal) && s_ports.Contains(statement[10..]))
                port = true;
            else if (statement is not ("xt match comment" or "xt match state" or "xt match conntrack")
                && !statement.StartsWith("comment ", StringComparison.Ordinal) && !statement.StartsWith("ct state ", StringComparison.Ordinal))
                return false;
        }

        return port;
    }

    // As -L has it: "tcp dpt:4118", perhaps with "state NEW" and a comment.
    private static bool IsOwnPort(string options)
    {
        int comment = options.IndexOf("/*", StringComparison.Ordinal);
        if (comment >= 0 && options.IndexOf("*/", comment, StringComparison.Ordinal) is int close and > 0)
            options = options.Remove(comment, close + 2 - comment);
        string[] words = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool port = false;
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i].StartsWith("dpt:", StringComparison.Ordinal) && s_ports.Contains(words[i][4..]))
                port = true;
            else if (words[i] is "state" or "ctstate" && i + 1 < words.Length)
                i++;
            else if (words[i] != "tcp")
                return false;
        }

        return port;
    }
}
