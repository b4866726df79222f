using System.Text;

namespace NatDsa.Netfilter;

/// <summary>Which fragments of a packet a rule matches: <c>-f</c> of iptables(8).</summary>
public enum FragmentMatch
{
    /// <summary>Any.</summary>
    Any = 0,

    /// <summary><c>-f</c>: the second and further fragments.</summary>
    Further,

    /// <summary><c>! -f</c>: head fragments and whole packets.</summary>
    Head,
}

/// <summary>One rule of a chain.</summary>
/// <remarks>
/// Reading has found and classified every word of it and decoded addresses and counters; this is the view of that for one rule,
/// and costs nothing until it is asked for. It points into the text that it was read from, which stays in memory as long as the rule
/// does. Two views of the same rule are equal.
/// </remarks>
public sealed class Rule : IEquatable<Rule>
{
    private readonly RuleStore _store;
    private readonly Chain _chain;
    private readonly int _index;

    // Where the record and the words are, and the record's traits: asking for everything looks thirty times.
    private readonly RuleRecord[] _records;
    private readonly Word[] _words;
    private readonly RuleTraits _traits;

    internal Rule(RuleStore store, int index)
        : this(store.ChainOf(store[index].Chain), index)
    {
    }

    internal Rule(Chain chain, int index)
    {
        (_store, _chain, _index) = (chain.Store, chain, index);
        _records = _store.RecordsWith(index);
        ref readonly RuleRecord record = ref Record;
        _traits = record.Traits;
        if (record.WordCount == 0 || Has(RuleTraits.OptionsAreText))
        {
            _words = [];
            return;
        }

        _words = _store.WordsFrom(record.FirstWord, out int first);
        (FirstWord, EndOfWords) = (first, first + record.WordCount);
    }

    /// <summary>The host that the rule runs on, as the caller named it; null for text and files.</summary>
    public string? ComputerName => _chain.Table.Ruleset.ComputerName;

    /// <summary>The name of the table that the rule is in: <c>nat</c>.</summary>
    public string Table => _chain.Table.Name;

    /// <summary>The name of the chain that the rule is in: <c>POSTROUTING</c>.</summary>
    public string Chain => _chain.Name;

    /// <summary>The chain that the rule is in.</summary>
    internal Chain DeclaringChain => _chain;

    /// <summary>Whose packets it sees: its table's, or in a table of both families the one that its conditions are about.</summary>
    public NetfilterFamily Family =>
        Has(RuleTraits.IPv4Only) ? NetfilterFamily.IPv4 : Has(RuleTraits.IPv6Only) ? NetfilterFamily.IPv6 : DeclaringChain.Table.Family;

    /// <summary>Its place in the chain, from 1.</summary>
    public int Number => _store[_index].Number;

    /// <summary>
    /// What happens to a packet that matches: a verdict (<c>ACCEPT</c>), a target extension (<c>MASQUERADE</c>) or the chain to
    /// go on in. Null when the rule only counts, or a map decides. Native nft statements have the names that iptables has for them.
    /// </summary>
    public string? Target => Record.Target is var target and > 0 ? _store.Names[target - 1] : null;

    /// <summary>Whether the packet goes to the chain for good (<c>-g</c>), not to come back after this rule.</summary>
    public bool IsGoto => Has(RuleTraits.Goto);

    /// <summary>The protocol: <c>tcp</c>, a number that has no known name, or <c>all</c>; with a <c>!</c> in front when negated.</summary>
    public string Protocol => IsProtocolNegated ? "!" + ProtocolName : ProtocolName;

    /// <summary>Whether every protocol but that one matches.</summary>
    public bool IsProtocolNegated => Has(RuleTraits.ProtocolNegated);

    /// <summary>
    /// The interfaces that a packet may come in on, such as <c>eth0</c>, <c>eth+</c> or <c>!lo</c>; null: any.
    /// </summary>
    public string? In => InInterface?.ToString();

    /// <summary>The interfaces that a packet may leave by; null: any.</summary>
    public string? Out => OutInterface?.ToString();

    /// <summary>
    /// Where a packet may come from, such as <c>10.0.0.0/16</c> or <c>!192.0.2.1</c>; null: anywhere.
    /// </summary>
    public string? Source => SourceAddress?.ToString();

    /// <summary>Where a packet may go; null: anywhere.</summary>
    public string? Destination => DestinationAddress?.ToString();

    internal InterfacePattern? InInterface => _store.InterfaceOf(Record.In);

    internal InterfacePattern? OutInterface => _store.InterfaceOf(Record.Out);

    internal AddressPrefix? SourceAddress
    {
        get
        {
            if (!Has(RuleTraits.HasSource))
                return null;
            ref readonly RuleRecord record = ref Record;
            return Has(RuleTraits.SourceIsListed)
                ? _store.Addresses[(int)record.SourceAddress]
                : AddressPrefix.IPv4(record.SourceAddress, record.SourceMask, Has(RuleTraits.SourceNegated));
        }
    }

    internal AddressPrefix? DestinationAddress
    {
        get
        {
            if (!Has(RuleTraits.HasDestination))
                return null;
            ref readonly RuleRecord record = ref Record;
            return Has(RuleTraits.DestinationIsListed)
                ? _store.Addresses[(int)record.DestinationAddress]
                : AddressPrefix.IPv4(record.DestinationAddress, record.DestinationMask, Has(RuleTraits.DestinationNegated));
        }
    }

    /// <summary>Which fragments match.</summary>
    public FragmentMatch Fragment =>
        Has(RuleTraits.FurtherFragments) ? FragmentMatch.Further : Has(RuleTraits.HeadFragments) ? FragmentMatch.Head : FragmentMatch.Any;

    /// <summary>How many packets matched; null when the text does not tell. See <see cref="CountersAreRounded"/>.</summary>
    public ulong? Packets => Has(RuleTraits.Counted) ? _store.CountersOf(_index).Packets : null;

    /// <summary>How many bytes they had; null when the text does not tell. See <see cref="CountersAreRounded"/>.</summary>
    public ulong? Bytes => Has(RuleTraits.Counted) ? _store.CountersOf(_index).Bytes : null;

    /// <summary>Whether a counter was written with a <c>K</c>, <c>M</c>, <c>G</c> or <c>T</c> (powers of a thousand), and is thus rounded.</summary>
    public bool CountersAreRounded => Has(RuleTraits.Rounded);

    /// <summary>
    /// The matches, in order. Only texts that hold rules as commands (iptables-save, <c>-S</c>) have them one by one; in the other forms
    /// they are in <see cref="Options"/>.
    /// </summary>
    internal RuleMatchList Matches => new(this);

    /// <summary>The target's own options, in order: <c>--to-source 192.0.2.1</c>. Under the same condition as <see cref="Matches"/>.</summary>
    internal RuleOptionList TargetOptions =>
        new(this, FirstWord, Has(RuleTraits.HasTargetOptions) ? EndOfWords : FirstWord, WordRole.TargetOption);

    /// <summary>
    /// What the rule says beyond the other columns, as the text has it: <c>-m</c> and the target's options in iptables-save, the last
    /// column of <c>-L</c>, the remaining statements of nft. Empty when there is nothing.
    /// </summary>
    public string Options =>
        Has(RuleTraits.OptionsAreText) ? _store.Text.Substring(Record.FirstWord, Record.WordCount)
        : Has(RuleTraits.IsNft) ? string.Join(' ', NftStatements.Of(this))
        : CommandOptions();

    /// <summary>
    /// All that the rule says, without its counters and its chain, as short as it can be said:
    /// <c>-s 10.0.0.0/16 -o eth0 -j MASQUERADE</c>. Characters that could drive a terminal are left out.
    /// </summary>
    public string Specification => Untrusted.OneLine(RuleFields.Specification(this));

    /// <summary>The number by which nft knows the rule, unique in its table; null in texts that do not tell.</summary>
    public ulong? Handle => Has(RuleTraits.IsNft) ? NftStatements.HandleOf(this) : null;

    /// <summary>The rule as it stands in the text that was read: a line, or for nft its JSON object.</summary>
    public string Text => _store.Text.Substring(Record.Start, Record.Length);

    /// <summary>Whether the rule rewrites the source address of what it matches: <c>SNAT</c>, <c>MASQUERADE</c>, <c>NETMAP</c> (in POSTROUTING), <c>SAME</c>.</summary>
    public bool IsSourceNat => Target is "MASQUERADE" or "SNAT" or "NETMAP" or "SAME" && TargetChain is null;

    /// <summary>The chain that matching packets go to by jump or goto; null when the target is none.</summary>
    internal Chain? TargetChain =>
        Record.Target is var name and > 0 && (_traits & (RuleTraits.IsNft | RuleTraits.NftJump)) != RuleTraits.IsNft
            && _chain.Table.Chains.NumberOf(name - 1) is int target and >= 0 ? _store.ChainOf(target) : null;

    /// <summary>
    /// Who made it: the owner of its chain, or of the chain that it leads to; for the rules of Docker and of the agent that are in built-in
    /// chains, what they are like tells.
    /// </summary>
    public RuleOwner Owner => RuleOwners.Of(this);

    /// <summary>
    /// Whether every packet that comes to the rule surely matches it. A comment is no condition; a column that the text does not
    /// show (interfaces in <c>-L</c> without <c>-v</c>) may hold one.
    /// </summary>
    public bool IsUnconditional
    {
        get
        {
            if (Has(RuleTraits.HasHiddenConditions) || Record.Protocol != 0 && ProtocolName != "all" || IsProtocolNegated || Fragment != FragmentMatch.Any)
                return false;
            if (InInterface is { } from && (!from.IsAny || from.IsNegated)
                || OutInterface is { } to && (!to.IsAny || to.IsNegated))
            {
                return false;
            }

            if (SourceAddress is { IsAny: false } || DestinationAddress is { IsAny: false })
                return false;
            foreach (RuleMatch match in Matches)
            {
                if (match.Name != "comment")
                    return false;
            }

            return true;
        }
    }

    /// <summary>
    /// The rule as it stands in the text; one of nft, whose text is JSON, as <see cref="Specification"/> says it.
    /// </summary>
    public override string ToString() => Has(RuleTraits.IsNft) ? Specification : Text;

    /// <inheritdoc/>
    public bool Equals(Rule? other) => other is not null && ReferenceEquals(_store, other._store) && _index == other._index;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Rule);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_store, _index);

    /// <summary>The chains that a map of nft's leads packets to; empty elsewhere.</summary>
    internal IReadOnlyList<Branch> Branches => _store.Branches.Count > 0 && _store.Branches.TryGetValue(_index, out IReadOnlyList<Branch>? branches) ? branches : [];

    /// <summary>The chains that packets can go to from here.</summary>
    internal IEnumerable<Chain> NextChains => TargetChain is { } chain ? [chain] : Branches.Select(branch => branch.Chain);

    internal string ProtocolName => Record.Protocol == 0 ? "all" : _store.Names[Record.Protocol - 1];

    /// <summary>The number of the first of its words: of options, their values, and names of matches.</summary>
    internal int FirstWord { get; }

    /// <summary>The number behind that of its last word.</summary>
    internal int EndOfWords { get; }

    internal int Start => Record.Start;

    internal int Length => Record.Length;

    internal string SourceText => _store.Text;

    // Only a rule's number can change after it was handed out, and a record can be moved by then.
    private ref readonly RuleRecord Record => ref _records[Chunks<RuleRecord>.PlaceOf(_index)];

    internal Word WordAt(int number) => _words[number];

    internal string NameOf(Word match) => _store.Names[match.MatchName];

    internal ReadOnlySpan<char> Slice(Word word) => _store.Text.AsSpan(word.Start, word.Length);

    internal bool Has(RuleTraits trait) => (_traits & trait) != 0;

    private string CommandOptions()
    {
        var text = new StringBuilder();
        for (int i = FirstWord; i < EndOfWords; i++)
        {
            Word word = WordAt(i);
            if (text.Length > 0)
                text.Append(' ');
            if (word.IsNegated)
                text.Append("! ");
            if (word.Role == WordRole.Match)
                text.Append("-m ").Append(NameOf(word));
            else
                text.Append(Slice(word));
        }

        return text.ToString();
    }
}
