using System.Buffers;
using System.Text;
using System.Text.Json;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>Reads what <c>nft -j list ruleset</c> prints: tables, chains and rules, and the maps that rules take their verdicts from.</summary>
/// <remarks>
/// One pass over the tokens. Sets, counters and other objects are passed over: what a rule says of them is in its own statements.
/// Nothing depends on the order of an object's properties, which old versions of the JSON library shuffle. Source: libnftables-json(5), and
/// what nft 0.9 to 1.1 print.
/// </remarks>
internal sealed class NftJsonReader : IRuleReader
{
    // What nft prints nests two levels for each operator of an expression.
    private const int MaximumDepth = 128;

    private static readonly SearchValues<char> s_wordEnds = SearchValues.Create(" \t\r\n,:{}[]");

    private readonly string _text;
    private readonly RuleStore _store;
    private readonly SyntaxErrors _errors;
    private readonly Dictionary<(NetfilterFamily, int), NftTable> _tables = [];

    private byte[] _utf8 = [];
    private bool _hasMetainfo;
    private int _handedOut = -1;

    // Where the text and its bytes part, as they do behind a character that is more than one byte.
    private int _byteMark;
    private int _charMark;

    public NftJsonReader(string text, RulesetReadMode mode)
    {
        _text = text;
        Ruleset = new Ruleset(text, RulesetFormat.NftJson);
        _store = Ruleset.Store;
        _errors = new SyntaxErrors(Ruleset, mode);
    }

    public Ruleset Ruleset { get; }

    public int ReadRule()
    {
        if (_handedOut < 0)
        {
            ReadAll();
            _handedOut = 0;
        }

        return _handedOut < _store.Count ? _handedOut++ : -1;
    }

    private void ReadAll()
    {
        _charMark = _text is ['\uFEFF', ..] ? 1 : 0;
        _utf8 = Encoding.UTF8.GetBytes(_text, _charMark, _text.Length - _charMark);
        try
        {
            var reader = new Utf8JsonReader(_utf8, new JsonReaderOptions { MaxDepth = MaximumDepth });
            ReadDocument(ref reader);
        }
        catch (JsonException e)
        {
            ReportSyntax(e);
        }

        foreach (NftTable table in _tables.Values)
        {
            FollowMaps(table);
            if (table.IsUnreadable && table.Table.Chains.Any(chain => chain.HookType == "nat"))
                Ruleset.AddUnreadableTable(table.Table.Name);
        }

        _utf8 = [];
    }

    private void ReadDocument(ref Utf8JsonReader reader)
    {
        reader.Read();
        bool isList = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isObjects = reader.ValueSpan.SequenceEqual("nftables"u8);
            reader.Read();
            if (!isObjects || reader.TokenType != JsonTokenType.StartArray)
            {
                reader.Skip();
                continue;
            }

            isList = true;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                ReadObject(ref reader);
        }

        // Whatever follows the document is an error of its own.
        while (reader.Read())
        {
        }

        // Even an empty ruleset has nft's word on itself: a list without it is nobody's answer.
        if (!isList || (!_hasMetainfo && _tables.Count == 0))
            _errors.Report(Messages.NotARuleset, _charMark, 1);
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Refuse(ref reader);
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> kind = reader.ValueSpan;
            if (IsCommand(kind))
                Refuse(ref reader);
            _hasMetainfo |= kind.SequenceEqual("metainfo"u8);
            bool isRules = kind.SequenceEqual("rule"u8) || kind.SequenceEqual("chain"u8) || kind.SequenceEqual("table"u8);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                if (isRules)
                    Refuse(ref reader);
                reader.Skip();
            }
            else if (kind.SequenceEqual("rule"u8))
                ReadRule(ref reader);
            else if (kind.SequenceEqual("chain"u8))
                ReadChain(ref reader);
            else if (kind.SequenceEqual("table"u8))
                ReadTable(ref reader);
            else if (kind.SequenceEqual("map"u8) || kind.SequenceEqual("element"u8))
                ReadMap(ref reader);
            else
                reader.Skip();
        }
    }

    // A file of commands for nft -f is no ruleset: what it leads to depends on what was there before.
    private static bool IsCommand(ReadOnlySpan<byte> kind) =>
        kind.SequenceEqual("add"u8) || kind.SequenceEqual("create"u8) || kind.SequenceEqual("insert"u8) || kind.SequenceEqual("replace"u8)
        || kind.SequenceEqual("delete"u8) || kind.SequenceEqual("destroy"u8) || kind.SequenceEqual("flush"u8) || kind.SequenceEqual("rename"u8)
        || kind.SequenceEqual("reset"u8) || kind.SequenceEqual("list"u8);

    private void ReadTable(ref Utf8JsonReader reader)
    {
        int start = (int)reader.TokenStartIndex;
        var place = new Place();
        while (NextProperty(ref reader))
            ReadPlace(ref reader, ref place);
        if (place.Name == 0 || _tables.ContainsKey((place.Family, place.Name)))
        {
            Refuse(start, reader.TokenStartIndex);
            return;
        }

        var table = new Table(Ruleset, _store.Names[place.Name - 1], place.Family) { IsComplete = true };
        Ruleset.Add(table);
        _tables.Add((place.Family, place.Name), new NftTable(table));
    }

    private void ReadChain(ref Utf8JsonReader reader)
    {
        int start = (int)reader.TokenStartIndex;
        var place = new Place();
        int type = 0, hook = 0, policy = 0;
        int? priority = null;
        while (NextProperty(ref reader))
        {
            ReadOnlySpan<byte> property = reader.ValueSpan;
            if (property.SequenceEqual("type"u8))
                ReadName(ref reader, out type);
            else if (property.SequenceEqual("hook"u8))
                ReadName(ref reader, out hook);
            else if (property.SequenceEqual("policy"u8))
                ReadName(ref reader, out policy);
            else if (property.SequenceEqual("prio"u8))
                priority = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int number) ? number : SkipValue(ref reader);
            else
                ReadPlace(ref reader, ref place);
        }

        if (place.Name == 0 || place.Table == 0 || !_tables.TryGetValue((place.Family, place.Table), out NftTable? table) || table.Chains.ContainsKey(place.Name))
        {
            Refuse(start, reader.TokenStartIndex);
            return;
        }

        Chain chain = table.Table.Chains.Add(_store.Names[place.Name - 1]);
        if (hook != 0)
        {
            chain.IsBuiltIn = true;
            chain.Hook = _store.Names[hook - 1];
            chain.HookType = type == 0 ? null : _store.Names[type - 1];
            chain.Priority = priority;
            // A base chain has a policy, accept when nothing is said; iptables writes it in capitals.
            chain.PolicyText = policy == 0 || _store.Names[policy - 1] == "accept" ? "ACCEPT" : _store.Names[policy - 1].ToUpperInvariant();
        }

        table.Chains.Add(place.Name, chain);
    }

    private void ReadRule(ref Utf8JsonReader reader)
    {
        int start = (int)reader.TokenStartIndex;
        var record = new RuleRecord { Traits = RuleTraits.IsNft };
        var statements = new NftStatementReader(_store, _utf8);
        var place = new Place();
        while (NextProperty(ref reader))
        {
            if (reader.ValueSpan.SequenceEqual("expr"u8))
                statements.Read(ref reader, ref record);
            else
                ReadPlace(ref reader, ref place);
        }

        int end = (int)reader.TokenStartIndex + 1;
        if (place.Chain == 0 || !_tables.TryGetValue((place.Family, place.Table), out NftTable? table) || !table.Chains.TryGetValue(place.Chain, out Chain? chain))
        {
            Refuse(start, end);
            return;
        }

        record.Start = CharAt(start);
        record.Length = CharAt(end) - record.Start;
        if (place.Family != NetfilterFamily.Inet)
            record.Traits &= ~(RuleTraits.IPv4Only | RuleTraits.IPv6Only);
        _store.Add(out int index) = record;
        if (statements.Counters is { } counters)
            _store.SetCounters(index, counters.Packets, counters.Bytes, false);
        chain.Append(index);
        if (statements.Ways is { } ways)
            table.Waiting.Add((index, ways));
        table.IsUnreadable |= statements.HoldsUnreadable;
    }

    private void ReadMap(ref Utf8JsonReader reader)
    {
        var place = new Place();
        var ways = new NftWays();
        while (NextProperty(ref reader))
        {
            if (!reader.ValueSpan.SequenceEqual("elem"u8))
                ReadPlace(ref reader, ref place);
            else if (reader.Read())
                ways.Read(ref reader, _store.Names);
        }

        if (place.Name != 0 && _tables.TryGetValue((place.Family, place.Table), out NftTable? table) && !table.Maps.TryAdd(place.Name, ways))
            table.Maps[place.Name].Chains.AddRange(ways.Chains);
    }

    /// <summary>Finds the chains that rules come to by maps, once all chains are there.</summary>
    private void FollowMaps(NftTable table)
    {
        foreach ((int index, NftWays ways) in table.Waiting)
        {
            // The rules of one map share what it leads to.
            NftWays? map = ways.Map == 0 ? ways : table.Maps.GetValueOrDefault(ways.Map);
            if (map is not null && (map.Branches ??= Find(table, map.Chains)) is { Count: > 0 } branches)
                _store.Branches.Add(index, branches);
        }
    }

    private static List<Branch> Find(NftTable table, IEnumerable<(int Name, bool IsGoto)> ways)
    {
        var branches = new List<Branch>();
        foreach ((int name, bool isGoto) in ways.Distinct())
        {
            if (table.Chains.TryGetValue(name, out Chain? chain))
                branches.Add(new Branch(chain, isGoto));
        }

        return branches;
    }

    /// <summary>Where an object belongs: the properties that tables, chains, rules and maps have in common.</summary>
    private void ReadPlace(ref Utf8JsonReader reader, ref Place place)
    {
        ReadOnlySpan<byte> property = reader.ValueSpan;
        if (property.SequenceEqual("family"u8))
        {
            reader.Read();
            place.Family = FamilyOf(reader.TokenType == JsonTokenType.String ? reader.ValueSpan : default);
            reader.Skip();
        }
        else if (property.SequenceEqual("table"u8))
        {
            ReadName(ref reader, out place.Table);
        }
        else if (property.SequenceEqual("chain"u8))
        {
            ReadName(ref reader, out place.Chain);
        }
        else if (property.SequenceEqual("name"u8))
        {
            ReadName(ref reader, out place.Name);
        }
        else
        {
            SkipValue(ref reader);
        }
    }

    private static NetfilterFamily FamilyOf(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("ip"u8))
            return NetfilterFamily.IPv4;
        if (name.SequenceEqual("ip6"u8))
            return NetfilterFamily.IPv6;
        if (name.SequenceEqual("inet"u8))
            return NetfilterFamily.Inet;
        if (name.SequenceEqual("arp"u8))
            return NetfilterFamily.Arp;
        if (name.SequenceEqual("bridge"u8))
            return NetfilterFamily.Bridge;
        return name.SequenceEqual("netdev"u8) ? NetfilterFamily.NetDev : NetfilterFamily.Unknown;
    }

    private void ReadName(ref Utf8JsonReader reader, out int number)
    {
        reader.Read();
        number = NftNames.NumberOf(ref reader, _store.Names);
        reader.Skip();
    }

    private static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    private static int? SkipValue(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return null;
    }

    private void Refuse(ref Utf8JsonReader reader) => Refuse((int)reader.TokenStartIndex, reader.BytesConsumed);

    private void Refuse(int start, long end)
    {
        int from = CharAt(start);
        _errors.Report(Messages.UnexpectedWord, from, CharAt((int)end) - from);
    }

    private void ReportSyntax(JsonException e)
    {
        int at = 0;
        for (long line = e.LineNumber ?? 0; line > 0; line--)
            at += _utf8.AsSpan(at).IndexOf((byte)'\n') + 1;
        at = (int)Math.Min(at + (e.BytePositionInLine ?? 0), _utf8.Length);
        if (_utf8.AsSpan(at).Trim(" \t\r\n"u8).IsEmpty)
        {
            _errors.ReportEnd(Messages.TextCutOff);
            return;
        }

        int start = CharAt(at);
        int length = _text.AsSpan(start).IndexOfAny(s_wordEnds);
        _errors.Report(Messages.UnexpectedWord, start, length < 0 ? _text.Length - start : Math.Max(length, 1));
    }

    /// <summary>The character of the text that a byte is of.</summary>
    private int CharAt(int position)
    {
        if (position < _byteMark)
            (_byteMark, _charMark) = (0, _text is ['\uFEFF', ..] ? 1 : 0);
        _charMark += Encoding.UTF8.GetCharCount(_utf8, _byteMark, position - _byteMark);
        _byteMark = position;
        return _charMark;
    }

    /// <summary>What an object says of where it belongs: numbers of names from 1, 0 where it says nothing.</summary>
    private struct Place
    {
        public NetfilterFamily Family;
        public int Table;
        public int Chain;
        public int Name;
    }

    /// <summary>A table while it is read.</summary>
    private sealed class NftTable(Table table)
    {
        public Table Table => table;

        public Dictionary<int, Chain> Chains { get; } = [];

        public Dictionary<int, NftWays> Maps { get; } = [];

        /// <summary>Whether a rule holds what nft could not tell, which may be its target.</summary>
        public bool IsUnreadable { get; set; }

        /// <summary>Rules whose verdict comes from maps.</summary>
        public List<(int Rule, NftWays Ways)> Waiting { get; } = [];
    }
}
