using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NatDsa.Netfilter;

/// <summary>
/// The addresses that a rule's <c>-s</c> or <c>-d</c> matches: an address with a prefix length, or with a mask written the
/// long way, which need not be contiguous (<c>10.0.0.0/255.0.255.0</c>), or a name, as rules files written by hand and
/// <c>iptables -L</c> without <c>-n</c> have them.
/// </summary>
public abstract class AddressPrefix : IEquatable<AddressPrefix>
{
    private protected AddressPrefix(bool negated) => IsNegated = negated;

    /// <summary>Whether the rule matches every address but these.</summary>
    public bool IsNegated { get; }

    /// <summary>Whether these are IPv6 addresses. False for a name.</summary>
    public virtual bool IsIPv6 => false;

    /// <summary>What the text has in the place of an address: a host's name, <c>name/24</c>, or several addresses with commas. Null for an address.</summary>
    public virtual string? Name => null;

    /// <summary>The address, as written: host bits and all. Null for a name.</summary>
    public abstract IPAddress? Address { get; }

    /// <summary>The mask. Null for a name.</summary>
    public abstract IPAddress? Mask { get; }

    /// <summary>How many leading bits count, 0 to 32 or 128; null for a name and for a mask with holes.</summary>
    public abstract int? PrefixLength { get; }

    /// <summary>Whether every address of the family matches: <c>0.0.0.0/0</c>, <c>::/0</c>, not negated.</summary>
    public bool IsAny => PrefixLength == 0 && !IsNegated;

    /// <summary>Reads <c>10.0.0.0/8</c>, <c>10.0.0.0/255.0.0.0</c>, <c>fe80::/10</c>, an address alone, a name; each with a <c>!</c> in front.</summary>
    /// <exception cref="FormatException">It is empty, or the part after the slash is no mask of that address.</exception>
    public static AddressPrefix Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, false, out AddressPrefix? prefix) ? prefix : throw new FormatException($"'{text}' is no address.");
    }

    /// <summary>Whether a packet's address matches.</summary>
    /// <returns>Null where only a name is known.</returns>
    public bool? Matches(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Contains(address) is { } inside ? inside != IsNegated : null;
    }

    /// <inheritdoc/>
    public abstract bool Equals(AddressPrefix? other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AddressPrefix);

    /// <inheritdoc/>
    public abstract override int GetHashCode();

    /// <summary>The addresses as <c>iptables -L -n</c> prints them: <c>10.0.0.0/8</c>, <c>10.1.2.3</c>, <c>!fe80::/10</c>.</summary>
    public override string ToString()
    {
        string negation = IsNegated ? "!" : "";
        if (Name is not null)
            return negation + Name;
        return PrefixLength switch
        {
            null => $"{negation}{Address}/{Mask}",
            int all when all == (IsIPv6 ? 128 : 32) => negation + Address,
            int length => string.Create(CultureInfo.InvariantCulture, $"{negation}{Address}/{length}"),
        };
    }

    private protected abstract bool? Contains(IPAddress address);

    internal static AddressPrefix IPv4(uint address, uint mask, bool negated) => new IPv4Prefix(address, mask, negated);

    /// <summary>Reads an IPv4 address, with or without a mask, and nothing else.</summary>
    internal static bool TryParseIPv4(ReadOnlySpan<char> text, out uint address, out uint mask)
    {
        mask = uint.MaxValue;
        return TryReadIPv4(text, out address, out int used) && (used == text.Length || text[used] == '/' && TryReadIPv4Mask(text[(used + 1)..], out mask));
    }

    internal static bool TryParse(ReadOnlySpan<char> text, bool negated, [NotNullWhen(true)] out AddressPrefix? prefix)
    {
        prefix = null;
        if (text is ['!', ..])
        {
            text = text[1..].TrimStart(' ');
            negated = !negated;
        }

        if (text.IsEmpty)
            return false;

        if (TryReadIPv4(text, out uint address, out int used))
        {
            if (used == text.Length)
                prefix = new IPv4Prefix(address, uint.MaxValue, negated);
            else if (text[used] == '/' && TryReadIPv4Mask(text[(used + 1)..], out uint mask))
                prefix = new IPv4Prefix(address, mask, negated);
            else if (text[used] == '/' && !text.Contains(','))
                return false;
        }
        else if (text.Contains(':') && !text.Contains(','))
        {
            return TryParseIPv6(text, negated, out prefix);
        }

        prefix ??= new NamedAddress(text.ToString(), negated);
        return true;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, bool negated, [NotNullWhen(true)] out AddressPrefix? prefix)
    {
        prefix = null;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> addressText = slash < 0 ? text : text[..slash];
        if (!TryReadIPv6(addressText, out UInt128 address))
            return false;
        UInt128 mask = UInt128.MaxValue;
        if (slash >= 0)
        {
            ReadOnlySpan<char> maskText = text[(slash + 1)..];
            if (TryReadNumber(maskText, 128, out int length))
                mask = length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
            else if (!TryReadIPv6(maskText, out mask))
                return false;
        }

        prefix = new IPv6Prefix(address, mask, negated);
        return true;
    }

    // Neither a zone nor brackets, which IPAddress would take.
    private static bool TryReadIPv6(ReadOnlySpan<char> text, out UInt128 bits)
    {
        bits = default;
        if (!text.Contains(':') || text.ContainsAny('%', '[') || !IPAddress.TryParse(text, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        bits = Bits(address);
        return true;
    }

    private static bool TryReadIPv4Mask(ReadOnlySpan<char> text, out uint mask)
    {
        if (TryReadNumber(text, 32, out int length))
        {
            mask = length == 0 ? 0 : uint.MaxValue << (32 - length);
            return true;
        }

        return TryReadIPv4(text, out mask, out int used) && used == text.Length;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> text, int maximum, out int number)
    {
        number = 0;
        if (text.Length is 0 or > 3)
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            number = number * 10 + c - '0';
        }

        return number <= maximum;
    }

    /// <summary>Four decimal numbers with dots, and nothing else that IPAddress would take for an address, at the start of the text.</summary>
    private static bool TryReadIPv4(ReadOnlySpan<char> text, out uint address, out int used)
    {
        address = 0;
        used = 0;
        uint part = 0;
        int digits = 0, parts = 0;
        for (; used < text.Length; used++)
        {
            uint digit = (uint)(text[used] - '0');
            if (digit <= 9)
            {
                part = part * 10 + digit;
                if (++digits > 3 || part > 255)
                    return false;
            }
            else if (text[used] == '.' && digits > 0 && parts < 3)
            {
                address = (address << 8) | part;
                (part, digits) = (0, 0);
                parts++;
            }
            else
            {
                break;
            }
        }

        address = (address << 8) | part;
        return parts == 3 && digits > 0;
    }

    private static UInt128 Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    // Thirty-two bytes: rulesets hold one or two for every rule.
    private sealed class IPv4Prefix(uint address, uint mask, bool negated) : AddressPrefix(negated)
    {
        private readonly uint _address = address;
        private readonly uint _mask = mask;

        public override IPAddress Address => ToIPAddress(_address);

        public override IPAddress Mask => ToIPAddress(_mask);

        public override int? PrefixLength
        {
            get
            {
                int length = System.Numerics.BitOperations.LeadingZeroCount(~_mask);
                return length == 32 || _mask << length == 0 ? length : null;
            }
        }

        public override bool Equals(AddressPrefix? other) =>
            other is IPv4Prefix prefix && (_address, _mask, IsNegated) == (prefix._address, prefix._mask, prefix.IsNegated);

        public override int GetHashCode() => HashCode.Combine(_address, _mask, IsNegated);

        private protected override bool? Contains(IPAddress address) =>
            address.AddressFamily == AddressFamily.InterNetwork && ((uint)Bits(address) & _mask) == (_address & _mask);

        private static IPAddress ToIPAddress(uint bits)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, bits);
            return new IPAddress(bytes);
        }
    }

    private sealed class IPv6Prefix(UInt128 address, UInt128 mask, bool negated) : AddressPrefix(negated)
    {
        private readonly UInt128 _address = address;
        private readonly UInt128 _mask = mask;

        public override bool IsIPv6 => true;

        public override IPAddress Address => ToIPAddress(_address);

        public override IPAddress Mask => ToIPAddress(_mask);

        public override int? PrefixLength
        {
            get
            {
                int length = (int)UInt128.LeadingZeroCount(~_mask);
                return length == 128 || _mask << length == UInt128.Zero ? length : null;
            }
        }

        public override bool Equals(AddressPrefix? other) =>
            other is IPv6Prefix prefix && (_address, _mask, IsNegated) == (prefix._address, prefix._mask, prefix.IsNegated);

        public override int GetHashCode() => HashCode.Combine(_address, _mask, IsNegated);

        private protected override bool? Contains(IPAddress address) =>
            address.AddressFamily == AddressFamily.InterNetworkV6 && (Bits(address) & _mask) == (_address & _mask);

        private static IPAddress ToIPAddress(UInt128 bits)
        {
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
            return new IPAddress(bytes);
        }
    }

    private sealed class NamedAddress(string name, bool negated) : AddressPrefix(negated)
    {
        public override string Name => name;

        public override IPAddress? Address => null;

        public override IPAddress? Mask => null;

        public override int? PrefixLength => null;

        public override bool Equals(AddressPrefix? other) => other is NamedAddress named && named.Name == Name && named.IsNegated == IsNegated;

        public override int GetHashCode() => HashCode.Combine(Name, IsNegated);

        private protected override bool? Contains(IPAddress address) => null;
    }
}
