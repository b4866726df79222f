using System.Globalization;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>What an iptables command does to a table.</summary>
internal enum RuleCommandKind
{
    /// <summary><c>-A CHAIN …</c>: a rule at the chain's end.</summary>
    Append,

    /// <summary><c>-I CHAIN [NUMBER] …</c>: a rule before that one, or at the chain's beginning.</summary>
    Insert,

    /// <summary><c>-N CHAIN</c>: a new chain.</summary>
    NewChain,

    /// <summary><c>-P CHAIN POLICY</c>: what happens at a built-in chain's end.</summary>
    Policy,
}

/// <summary>A change to a table, as iptables(8) takes it on its command line.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Chain">The chain that it is about.</param>
/// <param name="Place">Where a rule goes, from 0; -1: the chain's end.</param>
/// <param name="Line">For a rule its line in iptables-save's form, beginning with <c>-A</c> or with counters; for a policy the word; else empty.</param>
internal sealed record RuleCommand(RuleCommandKind Kind, string Chain, int Place, string Line)
{
    /// <summary>Reads a command.</summary>
    /// <exception cref="ArgumentException">It is none of those above, or more than a line.</exception>
    /// <exception cref="RulesetSyntaxException">Its rule cannot be read.</exception>
    public static RuleCommand Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().ContainsAny('\n', '\r', '\0'))
            throw new ArgumentException(Messages.CommandNotOneLine, nameof(text));
        ReadOnlySpan<char> rest = text;
        ReadOnlySpan<char> counters = rest.TrimStart(" \t") is ['[', ..] ? NextWord(ref rest) : default;
        ReadOnlySpan<char> letter = NextWord(ref rest);
        RuleCommandKind kind = letter switch
        {
            "-A" or "--append" => RuleCommandKind.Append,
            "-I" or "--insert" => RuleCommandKind.Insert,
            "-N" or "--new-chain" when counters.IsEmpty => RuleCommandKind.NewChain,
            "-P" or "--policy" when counters.IsEmpty => RuleCommandKind.Policy,
            _ => throw new ArgumentException(Messages.CommandUnknown.With(text), nameof(text)),
        };
        string chain = NextWord(ref rest).ToString();
        if (kind is RuleCommandKind.Append or RuleCommandKind.Insert)
        {
            int place = kind == RuleCommandKind.Append ? -1 : 0;
            ReadOnlySpan<char> behind = rest;
            if (kind == RuleCommandKind.Insert && int.TryParse(NextWord(ref behind), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0)
            {
                place = number - 1;
                rest = behind;
            }

            string line = string.Concat(counters, counters.IsEmpty ? "" : " ", $"-A {chain} ", rest.Trim(" \t")).TrimEnd();
            Check(line);
            return new RuleCommand(kind, chain, place, line);
        }

        string policy = kind == RuleCommandKind.Policy ? NextWord(ref rest).ToString() : "";
        Check(text.Trim());
        return new RuleCommand(kind, chain, -1, policy);
    }

    /// <summary>Reads it as the one line of a text, so that an error tells its place in it.</summary>
    private static void Check(string line)
    {
        var reader = new CommandReader(line + "\n", RulesetFormat.ListRules, RulesetReadMode.Strict, NetfilterFamily.Unknown);
        while (reader.ReadRule() >= 0)
        {
        }
    }

    private static ReadOnlySpan<char> NextWord(ref ReadOnlySpan<char> rest)
    {
        rest = rest.TrimStart(" \t");
        int length = rest.IndexOfAny(' ', '\t');
        ReadOnlySpan<char> word = length < 0 ? rest : rest[..length];
        rest = rest[word.Length..];
        return word;
    }
}
