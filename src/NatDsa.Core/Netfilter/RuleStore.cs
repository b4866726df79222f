namespace NatDsa.Netfilter;

/// <summary>Yes-or-no facts of a rule.</summary>
[Flags]
internal enum RuleTraits
{
    None = 0,
    Goto = 1,
    ProtocolNegated = 2,
    FurtherFragments = 4,
    HeadFragments = 8,
    Counted = 16,
    Rounded = 32,

    /// <summary>The options are a stretch of the text, the last column of a listing, and no words.</summary>
    OptionsAreText = 64,

    /// <summary>The text leaves conditions out, or has them in words that are not understood.</summary>
    HasHiddenConditions = 128,

    /// <summary>The address is one of <see cref="RuleStore.Addresses"/>, by its number.</summary>
    SourceIsListed = 256,
    DestinationIsListed = 512,
    SourceNegated = 1024,
    DestinationNegated = 2048,
    HasSource = 4096,
    HasDestination = 8192,

    /// <summary>The rule is a JSON object of nft's.</summary>
    IsNft = 16384,

    /// <summary>The target of nft's rule is a chain; without it, it is a statement, whatever chains are called.</summary>
    NftJump = 32768,

    /// <summary>In a table of both families, only packets of that one match.</summary>
    IPv4Only = 65536,
    IPv6Only = 131072,

    /// <summary>Among its words are options of its target.</summary>
    HasTargetOptions = 262144,
}

/// <summary>
/// What reading found of a rule: places in the text, numbers of names, addresses as bits. It holds no reference, so that the collector
/// passes by a hundred thousand of them at the cost of one.
/// </summary>
internal struct RuleRecord
{
    public int Start;
    public int Length;

    // Words of the store; with OptionsAreText a place in the text.
    public int FirstWord;
    public int WordCount;

    public int Chain;
    public int Number;

    // Numbers of names, from 1; 0: none.
    public int Target;
    public int Protocol;
    public int In;
    public int Out;

    public uint SourceAddress;
    public uint SourceMask;
    public uint DestinationAddress;
    public uint DestinationMask;

    public RuleTraits Traits;
}

/// <summary>One of the ways on from a rule whose verdict comes from a map.</summary>
internal readonly record struct Branch(Chain Chain, bool IsGoto);

/// <summary>The rules of a ruleset, as records, and what they share.</summary>
internal sealed class RuleStore(string text)
{
    // Chunks below the size of large objects, see Chunks.
    private const int WordBits = 13;

    // How far into a chunk a rule's words may begin.
    private const int WordsInChunk = 1 << WordBits;

    private readonly Chunks<RuleRecord> _records = new(text.Length / 64);
    private readonly Chunks<(ulong Packets, ulong Bytes)> _counters = new(text.Length / 64);
    private readonly Chunks<ChainObject> _chains = new(16);
    private Word[][] _words = [];
    private int _wordChunks;

    // The chunk that is being filled.
    private Word[] _newestWords = [];
    private int _newestCount;
    private InterfacePattern?[] _patterns = [];

    /// <summary>The text that the records point into.</summary>
    public string Text { get; } = text;

    /// <summary>Names of targets, protocols and chains.</summary>
    public NameTable Names { get; } = new(text);

    /// <summary>Interfaces that rules name; see <see cref="InterfaceNumber"/>.</summary>
    public NameTable Interfaces { get; } = new(text);

    /// <summary>Addresses that are not four bytes and a mask.</summary>
    public List<AddressPrefix> Addresses { get; } = [];

    /// <summary>The tables that chains are in, by number.</summary>
    public List<Table> Tables { get; } = [];

    /// <summary>The chains that rules are in.</summary>
    public Chunks<ChainRecord> ChainRecords { get; } = new(16);

    /// <summary>The counters of chains that have other ones than zero.</summary>
    public Dictionary<int, (ulong Packets, ulong Bytes)> ChainCounters { get; } = [];

    /// <summary>The rules of chains whose rules do not lie side by side, by what such a chain's record has for its first rule.</summary>
    public List<List<int>> RuleOrders { get; } = [];

    /// <summary>Further runs of lines whose reading was put off: where each begins, and how many lines it has.</summary>
    public Dictionary<int, List<(int Start, int Count)>> WaitingRuns { get; } = [];

    /// <summary>Who reads rules whose reading was put off.</summary>
    public CommandReader? Reader { get; set; }

    /// <summary>The chains that rules with a verdict map of nft's lead to, by the rule's number.</summary>
    public Dictionary<int, IReadOnlyList<Branch>> Branches { get; } = [];

    /// <summary>How many rules there are.</summary>
    public int Count => _records.Count;

    /// <summary>A rule's record.</summary>
    public ref RuleRecord this[int index] => ref _records[index];

    /// <summary>The chunk that a rule's record is in, until the next is added.</summary>
    public RuleRecord[] RecordsWith(int index) => _records.ChunkOf(index);

    /// <summary>Adds a record. It stays when it is complete: <see cref="RemoveLast"/> takes it back.</summary>
    public ref RuleRecord Add(out int index)
    {
        index = _records.Count;
        return ref _records.Add();
    }

    /// <summary>Takes the last record back.</summary>
    public void RemoveLast() => _records.RemoveLast();

    /// <summary>Adds a chain, and gives its number.</summary>
    public int AddChain(int table, int name)
    {
        int chain = ChainRecords.Count;
        ref ChainRecord record = ref ChainRecords.Add();
        (record.Table, record.Name) = (table, name);
        _chains.Add();
        return chain;
    }

    /// <summary>The one object for a chain, made when somebody asks for it. Safe from many threads once nothing is added any more.</summary>
    public Chain ChainOf(int chain)
    {
        ref Chain? known = ref _chains[chain].Value;
        return known ?? Interlocked.CompareExchange(ref known, new Chain(this, chain), null) ?? known;
    }

    /// <summary>Sets a chain's counters.</summary>
    public void SetChainCounters(int chain, ulong packets, ulong bytes)
    {
        ChainRecords[chain].Traits |= ChainTraits.Counted;
        if (packets != 0 || bytes != 0)
            ChainCounters[chain] = (packets, bytes);
    }

    /// <summary>The rule at a place of a chain, from 0.</summary>
    public int RuleOf(int chain, int place)
    {
        ref ChainRecord record = ref ChainRecords[chain];
        return (record.Traits & ChainTraits.Scattered) == 0 ? record.FirstRule + place : RuleOrders[record.FirstRule][place];
    }

    /// <summary>Puts a rule at a chain's end.</summary>
    public void Append(int chain, int rule)
    {
        ref ChainRecord end = ref ChainRecords[chain];
        if ((end.Traits & ChainTraits.Scattered) != 0)
            RuleOrders[end.FirstRule].Add(rule);
        else if (end.RuleCount == 0)
            end.FirstRule = rule;
        else if (rule != end.FirstRule + end.RuleCount)
            OrderOf(ref end).Add(rule);
        ref RuleRecord added = ref this[rule];
        (added.Chain, added.Number) = (chain, ++end.RuleCount);
    }

    /// <summary>Puts a rule before the one at that place of a chain, from 0.</summary>
    public void Insert(int chain, int place, int rule)
    {
        if (place == ChainRecords[chain].RuleCount)
        {
            Append(chain, rule);
            return;
        }

        ref ChainRecord record = ref ChainRecords[chain];
        List<int> order = OrderOf(ref record);
        order.Insert(place, rule);
        record.RuleCount++;
        this[rule].Chain = chain;
        for (int i = place; i < order.Count; i++)
            this[order[i]].Number = i + 1;
    }

    /// <summary>Puts off reading a rule until somebody asks for the chain's rules.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="start">Where the rule's line begins.</param>
    /// <param name="follows">Whether the line before is the chain's, too, and was put off.</param>
    public void Defer(int chain, int start, bool follows)
    {
        ref ChainRecord record = ref ChainRecords[chain];
        if (record.WaitingCount++ == 0)
        {
            record.FirstWaiting = start;
            return;
        }

        bool hasRuns = WaitingRuns.TryGetValue(chain, out List<(int Start, int Count)>? runs);
        if (follows)
        {
            if (hasRuns)
                runs![^1] = (runs[^1].Start, runs[^1].Count + 1);
            return;
        }

        if (!hasRuns)
            WaitingRuns[chain] = runs = [(record.FirstWaiting, record.WaitingCount - 1)];
        runs!.Add((start, 1));
    }

    /// <summary>Reads the rules of a chain that were put off.</summary>
    public void ReadWaiting(int chain)
    {
        ref ChainRecord record = ref ChainRecords[chain];
        if (!WaitingRuns.Remove(chain, out List<(int Start, int Count)>? runs))
            runs = [(record.FirstWaiting, record.WaitingCount)];
        record.WaitingCount = 0;
        foreach ((int start, int count) in runs)
            Reader!.ReadDeferred(chain, start, count);
    }

    private List<int> OrderOf(ref ChainRecord record)
    {
        if ((record.Traits & ChainTraits.Scattered) == 0)
        {
            RuleOrders.Add([.. Enumerable.Range(record.FirstRule, record.RuleCount)]);
            record.Traits |= ChainTraits.Scattered;
            record.FirstRule = RuleOrders.Count - 1;
        }

        return RuleOrders[record.FirstRule];
    }

    /// <summary>Makes room for the words of a rule, which lie side by side: <see cref="KeepWords"/> says how many have come.</summary>
    /// <param name="most">How many there can be.</param>
    /// <param name="position">Where in the text the rule is.</param>
    public Span<Word> RoomForWords(int most, int position)
    {
        if (_newestWords.Length - _newestCount < most || _newestCount >= WordsInChunk)
            AddChunkOfWords(most, position);
        return _newestWords.AsSpan(_newestCount, most);
    }

    private void AddChunkOfWords(int most, int position)
    {
        // Small texts get small chunks.
        _newestWords = GC.AllocateUninitializedArray<Word>(Math.Max(Math.Min(WordsInChunk, (Text.Length - position) / 2 + 1), most));
        _newestCount = 0;
        if (_wordChunks == _words.Length)
            Array.Resize(ref _words, Math.Max(4, _wordChunks * 2));
        _words[_wordChunks++] = _newestWords;
    }

    /// <summary>Keeps the first of the words that there was room for, and gives the number by which a record has them.</summary>
    public int KeepWords(int count)
    {
        int number = ((_wordChunks - 1) << WordBits) | _newestCount;
        _newestCount += count;
        return number;
    }

    /// <summary>Where the words are that a record has.</summary>
    public Word[] WordsFrom(int firstWord, out int place)
    {
        place = firstWord & (WordsInChunk - 1);
        return _words[firstWord >> WordBits];
    }

    /// <summary>A rule's counters.</summary>
    public (ulong Packets, ulong Bytes) CountersOf(int index) => _counters[index];

    /// <summary>Sets a rule's counters.</summary>
    public void SetCounters(int index, ulong packets, ulong bytes, bool rounded)
    {
        _counters.Fill(index + 1);
        _counters[index] = (packets, bytes);
        this[index].Traits |= rounded ? RuleTraits.Counted | RuleTraits.Rounded : RuleTraits.Counted;
    }

    /// <summary>The number by which a record has an interface.</summary>
    public int InterfaceNumber(ReadOnlySpan<char> pattern, bool negated) => ((Interfaces.NumberOf(pattern) << 1) | (negated ? 1 : 0)) + 1;

    /// <summary>The interface of a number; null for 0.</summary>
    public InterfacePattern? InterfaceOf(int number)
    {
        if (number == 0)
            return null;
        if (number > _patterns.Length)
            Array.Resize(ref _patterns, Math.Max(number, Interfaces.Count * 2));
        return _patterns[number - 1] ??= InterfacePattern.Of(Interfaces[(number - 1) >> 1], ((number - 1) & 1) != 0);
    }

    /// <summary>Sets where a rule's packets come from.</summary>
    public void SetSource(ref RuleRecord record, AddressPrefix prefix)
    {
        Addresses.Add(prefix);
        record.SourceAddress = (uint)Addresses.Count - 1;
        record.Traits |= RuleTraits.HasSource | RuleTraits.SourceIsListed;
    }

    /// <summary>Sets where a rule's packets go.</summary>
    public void SetDestination(ref RuleRecord record, AddressPrefix prefix)
    {
        Addresses.Add(prefix);
        record.DestinationAddress = (uint)Addresses.Count - 1;
        record.Traits |= RuleTraits.HasDestination | RuleTraits.DestinationIsListed;
    }

    /// <summary>The object for a chain, once somebody has asked for it. A struct, since arrays of classes check the type of each element.</summary>
    private struct ChainObject
    {
        public Chain? Value;
    }
}
