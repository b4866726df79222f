namespace NatDsa.Netfilter;

/// <summary>A table: the chains of one purpose, <c>filter</c>, <c>nat</c>, <c>mangle</c>, <c>raw</c>, <c>security</c>, or any name in nft.</summary>
public sealed class Table
{
    internal Table(Ruleset ruleset, string name, NetfilterFamily family)
    {
        (Ruleset, Name, Family) = (ruleset, name, family);
        Chains = new ChainList(ruleset.Store, ruleset.Store.Tables.Count);
        ruleset.Store.Tables.Add(this);
    }

    /// <summary>The ruleset that it is in.</summary>
    public Ruleset Ruleset { get; }

    /// <summary>The name. Empty when the text does not tell it and its chains could be those of several tables.</summary>
    public string Name { get; internal set; }

    /// <summary>Whether the name is not in the text, but follows from the chains: <c>-L</c> and <c>-S</c>.</summary>
    public bool IsNameInferred { get; internal set; }

    /// <summary>Whose packets it sees.</summary>
    public NetfilterFamily Family { get; internal set; }

    /// <summary>Whether the text has all of it: every built-in chain, and its end.</summary>
    public bool IsComplete { get; internal set; }

    /// <summary>The chains, in the order of the text.</summary>
    public ChainList Chains { get; }

    /// <summary>
    /// User chains that no packet comes to from a built-in chain: nothing leads to them, or only chains that nothing leads to, or rules that
    /// no packet gets as far as. Looked for anew each time. Empty when the text does not have all of the table.
    /// </summary>
    public IReadOnlyList<Chain> UnreachableChains => IsComplete ? Reachability.UnreachableChains(this) : [];

    /// <summary>Every rule, chain by chain.</summary>
    public IEnumerable<Rule> Rules => Chains.SelectMany(chain => chain.Rules);

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Where the text's line after <c>*nat</c> begins.</summary>
    internal int Head { get; init; }

    /// <summary>Where the text's line <c>COMMIT</c> begins.</summary>
    internal int End { get; set; }
}
