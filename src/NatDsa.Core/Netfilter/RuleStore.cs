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
    /// <summary>How far into a chunk a rule's words may begin.</summary>
    public const int WordsInChunk = 1 << WordBits;

    // Arrays below the size of large objects (85,000 bytes), whose collection is dear.
    private const int RecordBits = 10;
    private const int WordBits = 13;

    private RuleRecord[][] _records = [];
    private Word[][] _words = [];
    private int _wordChunks;
    private (ulong Packets, ulong Bytes)[][] _counters = [];
    private InterfacePattern?[] _patterns = [];

    /// <summary>The text that the records point into.</summary>
    public string Text { get; } = text;

    /// <summary>Names of targets, protocols and chains.</summary>
    public NameTable Names { get; } = new();

    /// <summary>Interfaces that rules name; see <see cref="InterfaceNumber"/>.</summary>
    public NameTable Interfaces { get; } = new();

    /// <summary>Addresses that are not four bytes and a mask.</summary>
    public List<AddressPrefix> Addresses { get; } = [];

    /// <summary>The chains that rules are in, by number.</summary>
    public List<Chain> Chains { get; } = [];

    /// <summary>The chains that rules with a verdict map of nft's lead to, by the rule's number.</summary>
    public Dictionary<int, IReadOnlyList<Branch>> Branches { get; } = [];

    /// <summary>How many rules there are.</summary>
    public int Count { get; private set; }

    /// <summary>A rule's record.</summary>
    public ref RuleRecord this[int index] => ref _records[index >> RecordBits][index & ((1 << RecordBits) - 1)];

    /// <summary>Adds a record. It stays when it is complete: <see cref="RemoveLast"/> takes it back.</summary>
    public ref RuleRecord Add(out int index)
    {
        index = Count++;
        int chunk = index >> RecordBits;
        int place = index & ((1 << RecordBits) - 1);
        if (place == 0)
        {
            if (chunk == _records.Length)
                Array.Resize(ref _records, Math.Max(4, chunk * 2));
            // The first chunk of a small text need not be as long as others.
            _records[chunk] ??= new RuleRecord[chunk == 0 ? Math.Clamp(Text.Length / 64, 4, 1 << RecordBits) : 1 << RecordBits];
        }

        RuleRecord[] records = _records[chunk];
        if (place == records.Length)
        {
            Array.Resize(ref records, Math.Min(records.Length * 2, 1 << RecordBits));
            _records[chunk] = records;
        }

        records[place] = default;
        return ref records[place];
    }

    /// <summary>Takes the last record back.</summary>
    public void RemoveLast() => Count--;

    /// <summary>The words of a rule.</summary>
    public ReadOnlySpan<Word> Words(in RuleRecord record)
    {
        if (record.WordCount == 0 || (record.Traits & RuleTraits.OptionsAreText) != 0)
            return default;
        return _words[record.FirstWord >> WordBits].AsSpan(record.FirstWord & ((1 << WordBits) - 1), record.WordCount);
    }

    /// <summary>
    /// Makes room for the words of a rule. The rule's first words move along when its chunk is full, since they lie side by side.
    /// </summary>
    /// <param name="words">The chunk that is being filled.</param>
    /// <param name="first">Where the rule's words begin in it.</param>
    /// <param name="count">Where the next goes.</param>
    /// <param name="position">Where in the text the next word is.</param>
    public void GrowWords(ref Word[] words, ref int first, ref int count, int position)
    {
        int used = count - first;
        // Small texts get small chunks: no chunk has more words than the rest of the text can hold.
        int length = Math.Max(Math.Min(1 << WordBits, (Text.Length - position) / 2 + 1) + used, used * 2);
        var chunk = new Word[length];
        Array.Copy(words, first, chunk, 0, used);
        if (_wordChunks == _words.Length)
            Array.Resize(ref _words, Math.Max(4, _wordChunks * 2));
        _words[_wordChunks++] = chunk;
        (words, first, count) = (chunk, 0, used);
    }

    /// <summary>The number by which a record has the words that begin there in the newest chunk.</summary>
    public int WordNumber(int first) => ((_wordChunks - 1) << WordBits) | first;

    /// <summary>A rule's counters.</summary>
    public (ulong Packets, ulong Bytes) CountersOf(int index) => _counters[index >> RecordBits][index & ((1 << RecordBits) - 1)];

    /// <summary>Sets a rule's counters.</summary>
    public void SetCounters(int index, ulong packets, ulong bytes, bool rounded)
    {
        int chunk = index >> RecordBits;
        if (chunk >= _counters.Length)
            Array.Resize(ref _counters, Math.Max(chunk + 1, _counters.Length * 2));
        _counters[chunk] ??= new (ulong, ulong)[1 << RecordBits];
        _counters[chunk][index & ((1 << RecordBits) - 1)] = (packets, bytes);
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
}
