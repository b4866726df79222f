using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NatDsa.Netfilter;

/// <summary>
/// Reads the statements of one nft rule: its conditions as far as the model has columns for them, its counter, and what becomes of a packet.
/// What has no column is in <see cref="Rule.Options"/>, and counts as a condition unless it is known to be none.
/// </summary>
internal struct NftStatementReader(RuleStore store, byte[] utf8)
{
    // An address with its mask, or an interface.
    private const int LongestOperand = 96;

    private bool _hasVerdict;

    /// <summary>Where the rule's verdict map leads to; null without one.</summary>
    public NftWays? Ways { get; private set; }

    /// <summary>The rule's own counter.</summary>
    public (ulong Packets, ulong Bytes)? Counters { get; private set; }

    /// <summary>
    /// Whether a statement is one of iptables' that this nft could not print: nft before 1.0.6 gives nothing but
    /// <c>{"xt": null}</c> for it.
    /// </summary>
    public bool HoldsUnreadable { get; private set; }

    /// <summary>Reads the statements; the reader is at their property's name.</summary>
    public void Read(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            SkipUnknown(ref reader, ref rule);
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                HoldsUnreadable = true;
                SkipUnknown(ref reader, ref rule);
                continue;
            }

            while (NextProperty(ref reader))
            {
                ReadOnlySpan<byte> name = reader.ValueSpan;
                reader.Read();
                int depth = reader.CurrentDepth;
                ReadStatement(ref reader, ref rule, name);
                LeaveTo(ref reader, depth);
            }
        }
    }

    private void ReadStatement(ref Utf8JsonReader reader, ref RuleRecord rule, ReadOnlySpan<byte> name)
    {
        bool isObject = reader.TokenType == JsonTokenType.StartObject;
        if (name.SequenceEqual("match"u8) && isObject)
            ReadMatch(ref reader, ref rule);
        else if (name.SequenceEqual("counter"u8))
            ReadCounter(ref reader);
        else if (name.SequenceEqual("xt"u8))
            ReadXtables(ref reader, ref rule);
        else if ((name.SequenceEqual("jump"u8) || name.SequenceEqual("goto"u8)) && isObject)
            ReadJump(ref reader, ref rule, isGoto: name[0] == (byte)'g');
        else if (name.SequenceEqual("vmap"u8) && isObject)
            ReadVerdictMap(ref reader, ref rule);
        else if (name.SequenceEqual("accept"u8))
            SetTarget(ref rule, "ACCEPT", isVerdict: true);
        else if (name.SequenceEqual("drop"u8))
            SetTarget(ref rule, "DROP", isVerdict: true);
        else if (name.SequenceEqual("return"u8))
            SetTarget(ref rule, "RETURN", isVerdict: true);
        else if (name.SequenceEqual("masquerade"u8))
            ReadNat(ref reader, ref rule, "MASQUERADE");
        else if (name.SequenceEqual("snat"u8))
            ReadNat(ref reader, ref rule, "SNAT");
        else if (name.SequenceEqual("dnat"u8))
            ReadNat(ref reader, ref rule, "DNAT");
        else if (name.SequenceEqual("redirect"u8))
            ReadNat(ref reader, ref rule, "REDIRECT");
        else if (name.SequenceEqual("reject"u8))
            SetTarget(ref rule, "REJECT", isVerdict: true);
        else if (name.SequenceEqual("queue"u8))
            SetTarget(ref rule, "NFQUEUE", isVerdict: true);
        else if (name.SequenceEqual("synproxy"u8))
            SetTarget(ref rule, "SYNPROXY", isVerdict: true);
        else if (name.SequenceEqual("tproxy"u8))
            SetTarget(ref rule, "TPROXY", isVerdict: false);
        else if (name.SequenceEqual("notrack"u8))
            SetTarget(ref rule, "NOTRACK", isVerdict: false);
        else if (name.SequenceEqual("log"u8))
            SetTarget(ref rule, isObject && Holds(ref reader, "group"u8) ? "NFLOG" : "LOG", isVerdict: false);
        else if (name.SequenceEqual("mangle"u8) && isObject)
            ReadMangle(ref reader, ref rule);
        else if (name.SequenceEqual("continue"u8))
            _hasVerdict = true;
        else if (!name.SequenceEqual("last"u8))
            rule.Traits |= RuleTraits.HasHiddenConditions;
    }

    /// <summary>Statements that may stand in front of a verdict name the rule only when there is none.</summary>
    private void SetTarget(ref RuleRecord rule, ReadOnlySpan<char> name, bool isVerdict)
    {
        if (_hasVerdict)
            return;
        rule.Target = store.Names.NumberOf(name) + 1;
        _hasVerdict = isVerdict;
    }

    private void ReadCounter(ref Utf8JsonReader reader)
    {
        // null without state (nft -s), a name for a counter that stands elsewhere.
        if (reader.TokenType != JsonTokenType.StartObject)
            return;
        ulong? packets = null, bytes = null;
        while (NextProperty(ref reader))
        {
            bool isPackets = reader.ValueSpan.SequenceEqual("packets"u8);
            bool isBytes = reader.ValueSpan.SequenceEqual("bytes"u8);
            reader.Read();
            ulong? number = reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong value) ? value : null;
            packets = isPackets ? number : packets;
            bytes = isBytes ? number : bytes;
            reader.Skip();
        }

        if (packets is not null && bytes is not null)
            Counters ??= (packets.Value, bytes.Value);
    }

    /// <summary>A match or target of iptables, which iptables-nft stores as it is.</summary>
    private void ReadXtables(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        int kind = 0, name = 0;
        bool isObject = reader.TokenType == JsonTokenType.StartObject;
        while (isObject && NextProperty(ref reader))
        {
            bool isKind = reader.ValueSpan.SequenceEqual("type"u8);
            reader.Read();
            int number = NftNames.NumberOf(ref reader, store.Names);
            (kind, name) = isKind ? (number, name) : (kind, number);
            reader.Skip();
        }

        string kindName = kind == 0 ? "" : store.Names[kind - 1];
        if (kindName == "target" && name != 0)
        {
            if (!_hasVerdict)
                rule.Target = name;
            _hasVerdict = true;
        }
        else if (kindName is "match" or "watcher" && name != 0)
        {
            if (store.Names[name - 1] != "comment")
                rule.Traits |= RuleTraits.HasHiddenConditions;
        }
        else
        {
            HoldsUnreadable = true;
            rule.Traits |= RuleTraits.HasHiddenConditions;
        }
    }

    private void ReadJump(ref Utf8JsonReader reader, ref RuleRecord rule, bool isGoto)
    {
        while (NextProperty(ref reader))
        {
            bool isTarget = reader.ValueSpan.SequenceEqual("target"u8);
            reader.Read();
            if (isTarget && !_hasVerdict)
            {
                rule.Target = NftNames.NumberOf(ref reader, store.Names);
                rule.Traits |= isGoto ? RuleTraits.NftJump | RuleTraits.Goto : RuleTraits.NftJump;
                _hasVerdict = true;
            }

            reader.Skip();
        }
    }

    private void ReadVerdictMap(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        rule.Traits |= RuleTraits.HasHiddenConditions;
        Ways = new NftWays();
        Ways.Read(ref reader, store.Names);
    }

    private void ReadNat(ref Utf8JsonReader reader, ref RuleRecord rule, string target)
    {
        SetTarget(ref rule, target, isVerdict: true);
        if (reader.TokenType != JsonTokenType.StartObject)
            return;
        int depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            if (reader.ValueSpan.SequenceEqual("map"u8))
            {
                // A packet whose key is not in the map stays as it is.
                rule.Traits |= RuleTraits.HasHiddenConditions;
            }
            else if (reader.ValueSpan.SequenceEqual("family"u8) && reader.Read() && reader.TokenType == JsonTokenType.String)
            {
                rule.Traits |= RuleTraits.HasHiddenConditions
                    | (reader.ValueSpan.SequenceEqual("ip6"u8) ? RuleTraits.IPv6Only : reader.ValueSpan.SequenceEqual("ip"u8) ? RuleTraits.IPv4Only : 0);
            }
        }
    }

    /// <summary>iptables' TRACE is nft's <c>meta nftrace set 1</c>; other changes of a packet have no one name in iptables.</summary>
    private void ReadMangle(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        while (NextProperty(ref reader))
        {
            bool isKey = reader.ValueSpan.SequenceEqual("key"u8);
            reader.Read();
            if (isKey && ReadField(ref reader).Kind == FieldKind.Trace)
                SetTarget(ref rule, "TRACE", isVerdict: false);
            reader.Skip();
        }
    }

    private void ReadMatch(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        var field = new Field();
        var operand = new Operand();
        bool isNegated = false, isOther = false;
        while (NextProperty(ref reader))
        {
            ReadOnlySpan<byte> property = reader.ValueSpan;
            reader.Read();
            if (property.SequenceEqual("left"u8))
            {
                field = ReadField(ref reader);
            }
            else if (property.SequenceEqual("right"u8))
            {
                operand = ReadOperand(ref reader);
            }
            else if (property.SequenceEqual("op"u8) && reader.TokenType == JsonTokenType.String)
            {
                isNegated = reader.ValueSpan.SequenceEqual("!="u8);
                isOther = !isNegated && !reader.ValueSpan.SequenceEqual("=="u8);
            }

            reader.Skip();
        }

        // nft leaves out that a rule about a protocol's field is about that protocol.
        rule.Traits |= field.Family;
        if (field.Protocol != 0 && rule.Protocol == 0)
            rule.Protocol = field.Protocol;
        if (isOther || operand.Kind == OperandKind.Other || !TryPlace(ref rule, field, operand, isNegated))
            rule.Traits |= RuleTraits.HasHiddenConditions;
    }

    /// <summary>Puts a condition into its column.</summary>
    /// <returns>False when it has none, or the column is taken.</returns>
    private readonly bool TryPlace(ref RuleRecord rule, Field field, Operand operand, bool isNegated)
    {
        Span<char> characters = stackalloc char[LongestOperand];
        if (!operand.TryWrite(utf8, characters, out int length))
            return false;
        Span<char> text = characters[..length];
        switch (field.Kind)
        {
            case FieldKind.In when rule.In == 0 && TryReadInterface(text):
                rule.In = store.InterfaceNumber(text, isNegated);
                return true;
            case FieldKind.Out when rule.Out == 0 && TryReadInterface(text):
                rule.Out = store.InterfaceNumber(text, isNegated);
                return true;
            case FieldKind.Source when (rule.Traits & RuleTraits.HasSource) == 0 && TryReadAddress(text, field, operand, isNegated, out AddressPrefix? source):
                store.SetSource(ref rule, source!);
                return true;
            case FieldKind.Destination when (rule.Traits & RuleTraits.HasDestination) == 0 && TryReadAddress(text, field, operand, isNegated, out AddressPrefix? destination):
                store.SetDestination(ref rule, destination!);
                return true;
            case FieldKind.Protocol:
                int protocol = store.Names.NumberOf(Protocols.NameOf(text) is { } known ? known : text) + 1;
                if (rule.Protocol != 0)
                    return rule.Protocol == protocol && !isNegated && (rule.Traits & RuleTraits.ProtocolNegated) == 0;
                rule.Protocol = protocol;
                rule.Traits |= isNegated ? RuleTraits.ProtocolNegated : 0;
                return true;
            case FieldKind.FragmentOffset when field.Mask.Kind != OperandKind.None && text is "0":
                rule.Traits |= isNegated ? RuleTraits.FurtherFragments : RuleTraits.HeadFragments;
                return true;
            case FieldKind.Family when text is "ipv4" or "ipv6":
                rule.Traits |= text is "ipv4" != isNegated ? RuleTraits.IPv4Only : RuleTraits.IPv6Only;
                return false;
            default:
                return false;
        }
    }

    /// <summary>Turns nft's pattern, <c>eth*</c>, into iptables', <c>eth+</c>.</summary>
    private static bool TryReadInterface(Span<char> text)
    {
        if (text.IsEmpty)
            return false;
        if (text[^1] == '*')
            text[^1] = '+';
        return true;
    }

    private readonly bool TryReadAddress(ReadOnlySpan<char> text, Field field, Operand operand, bool isNegated, out AddressPrefix? prefix)
    {
        prefix = null;
        Span<char> masked = stackalloc char[2 * LongestOperand];
        text.CopyTo(masked);
        int length = text.Length;
        if (field.Mask.Kind != OperandKind.None || operand.PrefixLength >= 0)
        {
            masked[length++] = '/';
            int written;
            bool fits = field.Mask.Kind != OperandKind.None
                ? field.Mask.TryWrite(utf8, masked[length..], out written)
                : operand.PrefixLength.TryFormat(masked[length..], out written, default, CultureInfo.InvariantCulture);
            if (!fits)
                return false;
            length += written;
        }

        // Anything but an address, such as @set, is no prefix.
        return (text.Contains(':') || AddressPrefix.TryParseIPv4(text, out _, out _))
            && AddressPrefix.TryParse(masked[..length], isNegated, out prefix) && prefix.Name is null;
    }

    private Field ReadField(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            return default;
        int depth = reader.CurrentDepth;
        var field = new Field();
        while (NextProperty(ref reader))
        {
            ReadOnlySpan<byte> property = reader.ValueSpan;
            reader.Read();
            if (property.SequenceEqual("meta"u8))
            {
                field.Kind = MetaKind(ref reader);
            }
            else if (property.SequenceEqual("payload"u8))
            {
                ReadPayload(ref reader, ref field);
            }
            else if (property.SequenceEqual("&"u8) && reader.TokenType == JsonTokenType.StartArray)
            {
                field = ReadMasked(ref reader);
            }
            else
            {
                field.Family = FamilyWithin(ref reader);
            }

            LeaveTo(ref reader, depth + 1);
            reader.Skip();
        }

        return field;
    }

    /// <summary>A field and the bits of it that count.</summary>
    private Field ReadMasked(ref Utf8JsonReader reader)
    {
        reader.Read();
        Field field = ReadField(ref reader);
        bool isMasked = field.Mask.Kind != OperandKind.None;
        reader.Skip();
        if (reader.TokenType != JsonTokenType.EndArray && reader.Read())
            field.Mask = ReadOperand(ref reader);
        bool isKnown = field.Kind switch
        {
            FieldKind.Source or FieldKind.Destination => field.Mask.Kind == OperandKind.Text,
            FieldKind.FragmentOffset => field.Mask is { Kind: OperandKind.Number, Number: 0x1fff },
            _ => false,
        };
        if (!isKnown || isMasked)
            field.Kind = FieldKind.Other;
        return field;
    }

    /// <summary>The family whose header fields an expression is made of.</summary>
    private static RuleTraits FamilyWithin(ref Utf8JsonReader reader)
    {
        RuleTraits family = 0;
        int depth = reader.CurrentDepth;
        while (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject || reader.CurrentDepth > depth)
        {
            bool isProtocol = reader.TokenType == JsonTokenType.PropertyName && (reader.ValueSpan.SequenceEqual("protocol"u8) || reader.ValueSpan.SequenceEqual("name"u8));
            if (!reader.Read())
                break;
            if (isProtocol && reader.TokenType == JsonTokenType.String)
                family |= reader.ValueSpan.SequenceEqual("ip6"u8) ? RuleTraits.IPv6Only : reader.ValueSpan.SequenceEqual("ip"u8) ? RuleTraits.IPv4Only : 0;
        }

        return family;
    }

    // {"meta": {"key": "oifname"}}; {"meta": "oifname"} in nft 0.9.0.
    private static FieldKind MetaKind(ref Utf8JsonReader reader)
    {
        while (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.PropertyName && reader.Read())
        {
        }

        if (reader.TokenType != JsonTokenType.String)
            return FieldKind.Other;
        ReadOnlySpan<byte> key = reader.ValueSpan;
        if (key.SequenceEqual("iifname"u8) || key.SequenceEqual("iif"u8))
            return FieldKind.In;
        if (key.SequenceEqual("oifname"u8) || key.SequenceEqual("oif"u8))
            return FieldKind.Out;
        if (key.SequenceEqual("l4proto"u8))
            return FieldKind.Protocol;
        if (key.SequenceEqual("nftrace"u8))
            return FieldKind.Trace;
        return key.SequenceEqual("nfproto"u8) ? FieldKind.Family : FieldKind.Other;
    }

    // nft 0.9.0 has "name" for what is "protocol" since.
    private readonly void ReadPayload(ref Utf8JsonReader reader, ref Field field)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            return;
        ReadOnlySpan<byte> protocol = default, name = default;
        while (NextProperty(ref reader))
        {
            ReadOnlySpan<byte> property = reader.ValueSpan;
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
            {
                if (property.SequenceEqual("field"u8))
                    name = reader.ValueSpan;
                else if (property.SequenceEqual("protocol"u8) || property.SequenceEqual("name"u8))
                    protocol = reader.ValueSpan;
            }

            reader.Skip();
        }

        bool isIPv6 = protocol.SequenceEqual("ip6"u8);
        if (isIPv6 || protocol.SequenceEqual("ip"u8))
        {
            field.Family = isIPv6 ? RuleTraits.IPv6Only : RuleTraits.IPv4Only;
            field.Kind = name.SequenceEqual("saddr"u8) ? FieldKind.Source
                : name.SequenceEqual("daddr"u8) ? FieldKind.Destination
                : name.SequenceEqual("protocol"u8) || name.SequenceEqual("nexthdr"u8) ? FieldKind.Protocol
                : name.SequenceEqual("frag-off"u8) ? FieldKind.FragmentOffset
                : FieldKind.InHeader;
        }
        else if (TransportName(protocol) is { } transport)
        {
            field.Protocol = store.Names.NumberOf(transport) + 1;
            field.Family = transport switch { "icmp" => RuleTraits.IPv4Only, "ipv6-icmp" => RuleTraits.IPv6Only, _ => 0 };
        }
    }

    private static string? TransportName(ReadOnlySpan<byte> protocol)
    {
        Span<char> characters = stackalloc char[16];
        if (protocol.Length is 0 or > 16 || protocol.SequenceEqual("th"u8))
            return null;
        return Protocols.NameOf(characters[..Encoding.UTF8.GetChars(protocol, characters)]);
    }

    private static Operand ReadOperand(ref Utf8JsonReader reader)
    {
        var operand = new Operand { Kind = OperandKind.Other, PrefixLength = -1 };
        if (reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped)
        {
            (operand.Kind, operand.Start, operand.Length) = (OperandKind.Text, (int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
        }
        else if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong number))
        {
            (operand.Kind, operand.Number) = (OperandKind.Number, number);
        }
        else if (reader.TokenType == JsonTokenType.StartObject)
        {
            int depth = reader.CurrentDepth;
            if (NextProperty(ref reader) && reader.ValueSpan.SequenceEqual("prefix"u8) && reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                ReadPrefix(ref reader, ref operand);
            LeaveTo(ref reader, depth);
        }

        return operand;
    }

    private static void ReadPrefix(ref Utf8JsonReader reader, ref Operand operand)
    {
        while (NextProperty(ref reader))
        {
            bool isAddress = reader.ValueSpan.SequenceEqual("addr"u8);
            reader.Read();
            if (isAddress && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped)
                (operand.Kind, operand.Start, operand.Length) = (OperandKind.Text, (int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
            else if (!isAddress && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int length) && length >= 0)
                operand.PrefixLength = length;
            reader.Skip();
        }
    }

    private static bool Holds(ref Utf8JsonReader reader, ReadOnlySpan<byte> property)
    {
        bool holds = false;
        while (NextProperty(ref reader))
        {
            holds |= reader.ValueSpan.SequenceEqual(property);
            reader.Skip();
        }

        return holds;
    }

    private static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    private static void SkipUnknown(ref Utf8JsonReader reader, ref RuleRecord rule)
    {
        rule.Traits |= RuleTraits.HasHiddenConditions;
        reader.Skip();
    }

    /// <summary>Goes to the end of the value that began at that depth.</summary>
    private static void LeaveTo(ref Utf8JsonReader reader, int depth)
    {
        while (reader.CurrentDepth > depth && reader.Read())
        {
        }

        if (reader.CurrentDepth == depth)
            reader.Skip();
    }

    /// <summary>What the left side of a condition is about.</summary>
    private enum FieldKind
    {
        Other = 0,
        In,
        Out,
        Source,
        Destination,
        Protocol,
        Family,
        FragmentOffset,

        /// <summary>Another field of the IP header.</summary>
        InHeader,
        Trace,
    }

    private struct Field
    {
        public FieldKind Kind;
        public RuleTraits Family;
        public int Protocol;
        public Operand Mask;
    }

    private enum OperandKind
    {
        None = 0,
        Text,
        Number,
        Other,
    }

    /// <summary>The right side of a condition: a place in the text, or a number.</summary>
    private struct Operand
    {
        public OperandKind Kind;
        public int Start;
        public int Length;
        public ulong Number;
        public int PrefixLength;

        public readonly bool TryWrite(byte[] utf8, Span<char> characters, out int written)
        {
            written = 0;
            if (Kind == OperandKind.Number)
                return Number.TryFormat(characters, out written, default, CultureInfo.InvariantCulture);
            if (Kind != OperandKind.Text || Length > characters.Length || Length > LongestOperand)
                return false;
            written = Encoding.UTF8.GetChars(utf8.AsSpan(Start, Length), characters);
            return true;
        }
    }
}
