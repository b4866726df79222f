namespace NatDsa.Netfilter;

/// <summary>Which fragments of a packet a rule matches: <c>-f</c> of iptables(8).</summary>
public enum FragmentMatch : byte
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
/// Reading has found and classified every word of it. It points into the text that it was read from, and that text stays
/// in memory as long as the rule does.
/// </remarks>
public sealed class Rule
{
    private readonly string _text;
    private readonly int _start;
    private int _length;
    private ulong _packets;
    private ulong _bytes;
    private Word[] _words = [];
    private int _wordStart;
    private int _wordCount;
    private RuleTraits _traits;

    internal Rule(Chain chain, string text, int start) => (DeclaringChain, _text, _start) = (chain, text, start);

    /// <summary>The name of the table that the rule is in: <c>nat</c>.</summary>
    public string Table => DeclaringChain.Table.Name;

    /// <summary>The name of the chain that the rule is in: <c>POSTROUTING</c>.</summary>
    public string Chain => DeclaringChain.Name;

    /// <summary>The chain that the rule is in.</summary>
    public Chain DeclaringChain { get; }

    /// <summary>Whose packets it sees.</summary>
    public NetfilterFamily Family => DeclaringChain.Table.Family;

    /// <summary>Its place in the chain, from 1.</summary>
    public int Number { get; internal set; }

    /// <summary>
    /// What happens to a packet that matches: a verdict (<c>ACCEPT</c>), a target extension (<c>MASQUERADE</c>) or the chain to
    /// go on in. Null when the rule only counts. Native nft statements have the names that iptables has for them.
    /// </summary>
    public string? Target { get; internal set; }

    /// <summary>Whether the packet goes to the chain for good (<c>-g</c>), not to come back after this rule.</summary>
    public bool IsGoto => Has(RuleTraits.Goto);

    /// <summary>The protocol: <c>tcp</c>, a number that has no known name, or <c>all</c>; with a <c>!</c> in front when negated.</summary>
    public string Protocol => Has(RuleTraits.ProtocolNegated) ? "!" + ProtocolName : ProtocolName;

    /// <summary>Whether every protocol but that one matches.</summary>
    public bool IsProtocolNegated => Has(RuleTraits.ProtocolNegated);

    /// <summary>The interfaces that a packet may come in on; null: any.</summary>
    public InterfacePattern? In { get; internal set; }

    /// <summary>The interfaces that a packet may leave by; null: any.</summary>
    public InterfacePattern? Out { get; internal set; }

    /// <summary>Where a packet may come from; null: anywhere.</summary>
    public AddressPrefix? Source { get; internal set; }

    /// <summary>Where a packet may go; null: anywhere.</summary>
    public AddressPrefix? Destination { get; internal set; }

    /// <summary>Which fragments match.</summary>
    public FragmentMatch Fragment =>
        Has(RuleTraits.FurtherFragments) ? FragmentMatch.Further : Has(RuleTraits.HeadFragments) ? FragmentMatch.Head : FragmentMatch.Any;

    /// <summary>How many packets matched; null when the text does not tell. See <see cref="CountersAreRounded"/>.</summary>
    public ulong? Packets => Has(RuleTraits.Counted) ? _packets : null;

    /// <summary>How many bytes they had; null when the text does not tell. See <see cref="CountersAreRounded"/>.</summary>
    public ulong? Bytes => Has(RuleTraits.Counted) ? _bytes : null;

    /// <summary>Whether a counter was written with a <c>K</c>, <c>M</c>, <c>G</c> or <c>T</c> (thousands, each thousand times the one before), and is thus rounded.</summary>
    public bool CountersAreRounded => Has(RuleTraits.Rounded);

    /// <summary>
    /// The matches, in order. Only texts that hold rules as commands (iptables-save, <c>-S</c>) have them one by one; in the other forms
    /// they are in <see cref="Options"/>.
    /// </summary>
    public RuleMatchList Matches => new(this);

    /// <summary>The target's own options, in order: <c>--to-source 192.0.2.1</c>. Under the same condition as <see cref="Matches"/>.</summary>
    public RuleOptionList TargetOptions => new(this, 0, Words.Length, WordRole.TargetOption);

    /// <summary>
    /// What the rule says beyond the other columns, as the text has it: <c>-m</c> and the target's options in iptables-save, the last
    /// column of <c>-L</c>, the remaining statements of nft. Empty when there is nothing.
    /// </summary>
    public string Options => Has(RuleTraits.OptionsAreText) ? _text.Substring(_wordStart, _wordCount) : CommandOptions();

    /// <summary>The rule as it stands in the text that was read: a line, or for nft its JSON object.</summary>
    public string Text => _text.Substring(_start, _length);

    /// <summary>Whether the rule rewrites the source address of what it matches: <c>SNAT</c>, <c>MASQUERADE</c>, <c>NETMAP</c> (in POSTROUTING), <c>SAME</c>.</summary>
    public bool IsSourceNat => Target is "MASQUERADE" or "SNAT" or "NETMAP" or "SAME" && DeclaringChain.Table.Chains.Find(Target) is null;

    /// <summary>
    /// Whether every packet that comes to the rule surely matches it. A comment is no condition; a column that the text does not
    /// show (interfaces in <c>-L</c> without <c>-v</c>) may hold one.
    /// </summary>
    public bool IsUnconditional
    {
        get
        {
            if (Has(RuleTraits.HasHiddenConditions) || ProtocolName != "all" || IsProtocolNegated || Fragment != FragmentMatch.Any)
                return false;
            if (In is { } from && (!from.IsAny || from.IsNegated) || Out is { } to && (!to.IsAny || to.IsNegated))
                return false;
            if (Source is { IsAny: false } || Destination is { IsAny: false })
                return false;
            foreach (RuleMatch match in Matches)
            {
                if (match.Name != "comment")
                    return false;
            }

            return true;
        }
    }

    /// <summary>The rule as it stands in the text.</summary>
    public override string ToString() => Text;

    internal string ProtocolName { get; set; } = "all";

    internal ReadOnlySpan<Word> Words => Has(RuleTraits.OptionsAreText) ? default : _words.AsSpan(_wordStart, _wordCount);

    internal int Start => _start;

    internal int Length => _length;

    internal void EndsAt(int end) => _length = end - _start;

    internal string SourceText => _text;

    internal ReadOnlySpan<char> Slice(Word word) => _text.AsSpan(word.Start, word.Length);

    internal bool Has(RuleTraits trait) => (_traits & trait) != 0;

    internal void Set(RuleTraits traits) => _traits |= traits;

    internal void SetWords(Word[] words, int start, int count) => (_words, _wordStart, _wordCount) = (words, start, count);

    /// <summary>Sets what stands in the options column, where it is no sequence of option words.</summary>
    internal void SetOptions(int start, int length)
    {
        _traits |= RuleTraits.OptionsAreText;
        (_wordStart, _wordCount) = (start, length);
    }

    internal void SetCounters(ulong packets, ulong bytes, bool rounded)
    {
        (_packets, _bytes) = (packets, bytes);
        _traits |= rounded ? RuleTraits.Counted | RuleTraits.Rounded : RuleTraits.Counted;
    }

    private string CommandOptions()
    {
        var text = new System.Text.StringBuilder();
        foreach (Word word in Words)
        {
            if (text.Length > 0)
                text.Append(' ');
            if (word.IsNegated)
                text.Append("! ");
            if (word.Role == WordRole.Match)
                text.Append("-m ");
            text.Append(Slice(word));
        }

        return text.ToString();
    }
}

/// <summary>Yes-or-no facts of a rule.</summary>
[Flags]
internal enum RuleTraits : ushort
{
    None = 0,
    Goto = 1,
    ProtocolNegated = 2,
    FurtherFragments = 4,
    HeadFragments = 8,
    Counted = 16,
    Rounded = 32,

    /// <summary>The options are the last column of a listing, and no words.</summary>
    OptionsAreText = 64,

    /// <summary>The text leaves conditions out, or has them in words that are not understood.</summary>
    HasHiddenConditions = 128,
}
