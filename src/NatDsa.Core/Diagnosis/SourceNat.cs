using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>How a rule rewrites the source address.</summary>
public enum SourceNatKind
{
    /// <summary><c>MASQUERADE</c>: to the address of the interface that the packet leaves by.</summary>
    Masquerade,

    /// <summary><c>SNAT</c>: to a given address.</summary>
    Snat,

    /// <summary><c>NETMAP</c>: a whole network to another, address by address.</summary>
    Netmap,

    /// <summary><c>SAME</c>: to one of several addresses, a client always to the same.</summary>
    Same,
}

/// <summary>What one reachable rule does source NAT for.</summary>
/// <remarks>
/// The conditions are the rule's own and those of the jumps on the way to it: behind <c>-A POSTROUTING -o eth0 -j OUT</c>, a rule
/// <c>-A OUT -s 10.0.0.0/8 -j MASQUERADE</c> serves 10.0.0.0/8 by eth0. A rule that several ways lead to comes once for each pair of source and
/// interface. Packets that an earlier rule takes out are not taken off.
/// </remarks>
public sealed record SourceNat
{
    internal SourceNat(
        Rule rule, SourceNatKind kind, AddressPrefix? source, InterfacePattern? outInterface, string? toAddress) =>
        (NatRule, Kind, SourceAddress, OutPattern, ToAddress) = (rule, kind, source, outInterface, toAddress);

    /// <summary>What it does.</summary>
    public SourceNatKind Kind { get; }

    /// <summary>The network that it serves, such as <c>10.0.0.0/16</c>; null: any.</summary>
    public string? Source => SourceAddress?.ToString();

    /// <summary>
    /// The interfaces that packets leave by; null: any, or the text does not show them (<c>-L</c> without <c>-v</c>).
    /// </summary>
    public string? OutInterface => OutPattern?.ToString();

    /// <summary>
    /// The new address, range or network, with ports where there are, as written; null for
    /// <see cref="SourceNatKind.Masquerade"/>, and where the text does not tell.
    /// </summary>
    public string? ToAddress { get; }

    /// <summary>The rule.</summary>
    public string Rule => NatRule.ToString();

    /// <summary>The rule itself: <see cref="Rule"/>, as scripts see it.</summary>
    internal Rule NatRule { get; }

    internal AddressPrefix? SourceAddress { get; }

    internal InterfacePattern? OutPattern { get; }

    /// <summary>How many combinations of chain, source and interface are followed: beyond them, a rule's own conditions stand alone.</summary>
    private const int MaxWays = 10_000;

    /// <summary>On one line: <c>Snat 10.0.0.0/8 by eth0 to 192.0.2.1</c>.</summary>
    public override string ToString()
    {
        string text = $"{Kind} {Source ?? "*"}";
        if (OutInterface is not null)
            text = $"{text} by {OutInterface}";
        return ToAddress is null ? text : $"{text} to {ToAddress}";
    }

    /// <summary>The rules that do source NAT for packets on their way out of the host.</summary>
    internal static IEnumerable<Rule> ReachableRules(IEnumerable<Table> tables) =>
        from table in tables
        from rule in Reachability.RulesFrom(table, IsPostrouting)
        where rule.IsSourceNat
        select rule;

    /// <summary>What rules do source NAT for.</summary>
    /// <param name="reachable">Rules that <see cref="ReachableRules"/> gave.</param>
    internal static ReadableList<SourceNat> Of(IEnumerable<Rule> reachable) =>
        [.. reachable.GroupBy(rule => rule.DeclaringChain.Table).SelectMany(rules => Of(rules.Key, [.. rules]))];

    private static bool IsPostrouting(Chain chain) =>
        chain.Hook == "postrouting" && (chain.HookType is "nat" || chain.HookType is null && chain.Table.Name == "nat");

    private static IEnumerable<SourceNat> Of(Table table, Rule[] natRules)
    {
        ILookup<Chain, Rule> steps = StepsTo(table, natRules);
        var found = natRules.ToDictionary(rule => rule, _ => new List<SourceNat>());
        var ways = new Queue<Way>(table.Chains.Where(IsPostrouting).Select(chain => new Way(chain, null, null)));
        var known = new HashSet<Way>(ways);
        while (ways.TryDequeue(out Way way))
        {
            foreach (Rule rule in steps[way.Chain])
            {
                if (!TryNarrow(way.Source, rule.SourceAddress, out AddressPrefix? source)
                    || !TryNarrow(way.Out, rule.OutInterface, out InterfacePattern? outInterface))
                {
                    continue;
                }

                if (found.TryGetValue(rule, out List<SourceNat>? services))
                {
                    services.Add(Of(rule, source, outInterface));
                    continue;
                }

                foreach (Chain chain in rule.NextChains)
                {
                    if (new Way(chain, source, outInterface) is var next && known.Count < MaxWays && known.Add(next))
                        ways.Enqueue(next);
                }
            }
        }

        // A rule that every way contradicts serves nothing, but is one of those the verdict rests on.
        return natRules.SelectMany(rule => found[rule] is { Count: > 0 } services
            ? services.Distinct()
            : [Of(rule, rule.SourceAddress, rule.OutInterface)]);
    }

    /// <summary>The rules that do source NAT, and those on the ways to them, by their chains.</summary>
    private static ILookup<Chain, Rule> StepsTo(Table table, Rule[] natRules)
    {
        IReadOnlyList<Rule> reached = Reachability.RulesFrom(table, IsPostrouting);
        ILookup<Chain, Rule> callers = reached.SelectMany(rule => rule.NextChains.Select(chain => (Chain: chain, Rule: rule))).ToLookup(call => call.Chain, call => call.Rule);
        HashSet<Chain> leading = [.. natRules.Select(rule => rule.DeclaringChain)];
        var toDo = new Stack<Chain>(leading);
        while (toDo.TryPop(out Chain? chain))
        {
            foreach (Rule caller in callers[chain])
            {
                if (leading.Add(caller.DeclaringChain))
                    toDo.Push(caller.DeclaringChain);
            }
        }

        HashSet<Rule> ends = [.. natRules];
        return reached.Where(rule => ends.Contains(rule) || rule.NextChains.Any(leading.Contains)).ToLookup(rule => rule.DeclaringChain);
    }

    private static SourceNat Of(Rule rule, AddressPrefix? source, InterfacePattern? outInterface)
    {
        SourceNatKind kind = rule.Target switch
        {
            "MASQUERADE" => SourceNatKind.Masquerade,
            "NETMAP" => SourceNatKind.Netmap,
            "SAME" => SourceNatKind.Same,
            _ => SourceNatKind.Snat,
        };
        return new SourceNat(rule, kind, source, outInterface, kind == SourceNatKind.Masquerade ? null : ToAddressOf(rule));
    }

    private static string? ToAddressOf(Rule rule)
    {
        if ((rule.TargetOptions.Find("--to-source") ?? rule.TargetOptions.Find("--to"))?.Value is { } value)
            return value;
        if (rule.Has(RuleTraits.IsNft))
            return ToAddressIn(NftStatements.Of(rule).FirstOrDefault(statement => statement.StartsWith("snat ", StringComparison.Ordinal)) ?? "");
        // The last column of -L: to:192.0.2.1; NETMAP's is the network alone.
        string[] words = rule.Has(RuleTraits.OptionsAreText) ? rule.Options.Split(' ') : [];
        return Array.Find(words, word => word.StartsWith("to:", StringComparison.Ordinal)) is { } to ? to["to:".Length..]
            : rule.Target == "NETMAP" ? words.LastOrDefault(word => AddressPrefix.TryParse(word, false, out AddressPrefix? network) && network.Name is null)
            : null;
    }

    // snat ip to 192.0.2.1:1024-2048 random; a map stands there as a whole.
    private static string? ToAddressIn(string statement)
    {
        const string To = " to ";
        int to = statement.IndexOf(To, StringComparison.Ordinal);
        if (to < 0)
            return null;
        string address = statement[(to + To.Length)..];
        return address.Contains(" map ", StringComparison.Ordinal) ? address : address.Split(' ')[0];
    }

    /// <summary>What two conditions leave over, as far as one network can say it; false: nothing.</summary>
    private static bool TryNarrow(AddressPrefix? outer, AddressPrefix? inner, out AddressPrefix? both)
    {
        both = inner ?? outer;
        if (outer is null || inner is null || outer.Equals(inner))
            return true;
        // A name or a mask with holes can be anything: the rule's own stands.
        if (outer is not { PrefixLength: int outerLength, Address: { } outerAddress } || inner is not { PrefixLength: int innerLength, Address: { } innerAddress })
            return true;
        bool innerInOuter = innerLength >= outerLength && outer.Matches(innerAddress) != outer.IsNegated;
        bool outerInInner = outerLength >= innerLength && inner.Matches(outerAddress) != inner.IsNegated;
        (bool some, both) = Narrow(outer, outer.IsNegated, inner, inner.IsNegated, innerInOuter, outerInInner);
        return some;
    }

    private static bool TryNarrow(InterfacePattern? outer, InterfacePattern? inner, out InterfacePattern? both)
    {
        both = inner ?? outer;
        if (outer is null || inner is null || outer == inner)
            return true;
        (bool some, both) = Narrow(outer, outer.IsNegated, inner, inner.IsNegated, Covers(outer, inner), Covers(inner, outer));
        return some;
    }

    /// <summary>Of two sets, or what lies outside of them: whether something is in both, and the narrower of the two as far as one of them can say it.</summary>
    private static (bool Some, T Both) Narrow<T>(T outer, bool outerIsNegated, T inner, bool innerIsNegated, bool innerInOuter, bool outerInInner) =>
        (outerIsNegated, innerIsNegated) switch
        {
            (false, false) => (innerInOuter || outerInInner, innerInOuter ? inner : outer),
            (false, true) => (!outerInInner, outer),
            (true, false) => (!innerInOuter, inner),
            (true, true) => (true, inner),
        };

    /// <summary>Whether one pattern, leaving negation aside, holds every name that the other holds.</summary>
    private static bool Covers(InterfacePattern wide, InterfacePattern narrow) =>
        wide.IsPrefix ? narrow.Name.StartsWith(wide.Name, StringComparison.Ordinal) : !narrow.IsPrefix && narrow.Name == wide.Name;

    /// <summary>A chain, and what the jumps on the way to it leave over.</summary>
    private readonly record struct Way(Chain Chain, AddressPrefix? Source, InterfacePattern? Out);
}
