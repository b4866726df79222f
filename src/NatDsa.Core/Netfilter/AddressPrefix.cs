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
public sealed class AddressPrefix : IEquatable<AddressPrefix>
{
    private readonly UInt128 _address;
    private readonly UInt128 _mask;

    private AddressPrefix(UInt128 address, UInt128 mask, bool isIPv6, bool negated, string? name)
    {
        (_address, _mask, IsIPv6, IsNegated, Name) = (address, mask, isIPv6, negated, name);
    }

    /// <summary>Whether the rule matches every address but these.</summary>
    public bool IsNegated { get; }

    /// <summary>Whether these are IPv6 addresses. False for a name.</summary>
    public bool IsIPv6 { get; }

    /// <summary>What the text has in the place of an address: a host's name, <c>name/24</c>, or several addresses with commas. Null for an address.</summary>
    public string? Name { get; }

    /// <summary>The address, as written: host bits and all. Null for a name.</summary>
    public IPAddress? Address => Name is null ? ToIPAddress(_address) : null;

    /// <summary>The mask. Null for a name.</summary>
    public IPAddress? Mask => Name is null ? ToIPAddress(_mask) : null;

    /// <summary>How many leading bits count, 0 to 32 or 128; null for a name and for a mask with holes.</summary>
    public int? PrefixLength
    {
        get
        {
            if (Name is not null)
                return null;
            UInt128 mask = IsIPv6 ? _mask : _mask << 96;
            int length = (int)UInt128.LeadingZeroCount(~mask);
            return length == 128 || mask << length == UInt128.Zero ? length : null;
        }
    }

    /// <summary>Whether every address of the family matches: <c>0.0.0.0/0</c>, <c>::/0</c>, not negated.</summary>
    public bool IsAny => Name is null && _mask == UInt128.Zero && !IsNegated;

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
        if (Name is not null)
            return null;
        bool inside = address.AddressFamily == AddressFamily.InterNetworkV6 == IsIPv6 && (Bits(address) & _mask) == (_address & _mask);
        return inside != IsNegated;
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
                prefix = new(address, uint.MaxValue, false, negated, null);
            else if (text[used] == '/' && TryReadIPv4Mask(text[(used + 1)..], out uint mask))
                prefix = new(address, mask, false, negated, null);
            else if (text[used] == '/' && !text.Contains(','))
                return false;
        }
        else if (text.Contains(':') && !text.Contains(','))
        {
            return TryParseIPv6(text, negated, out prefix);
        }

        prefix ??= new(default, default, false, negated, text.ToString());
        return true;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, bool negated, [NotNullWhen(true)] out AddressPrefix? prefix)
    {
        prefix = null;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> addressText = slash < 0 ? text : text[..slash];
        if (addressText.ContainsAny('%', '[') || !IPAddress.TryParse(addressText, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        UInt128 mask = UInt128.MaxValue;
        if (slash >= 0)
        {
            ReadOnlySpan<char> maskText = text[(slash + 1)..];
            if (TryReadNumber(maskText, 128, out int length))
                mask = length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
            else if (maskText.Contains(':') && !maskText.ContainsAny('%', '[') && IPAddress.TryParse(maskText, out IPAddress? longMask))
                mask = Bits(longMask);
            else
                return false;
        }

        prefix = new(Bits(address), mask, true, negated, null);
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
        int part = 0, digits = 0, parts = 0;
        for (; used < text.Length; used++)
        {
            char c = text[used];
            uint digit = (uint)(c - '0');
            if (digit <= 9)
            {
                part = part * 10 + (int)digit;
                if (++digits > 3 || part > 255)
                    return false;
            }
            else if (c == '.' && digits > 0 && parts < 3)
            {
                address = (address << 8) | (uint)part;
                (part, digits) = (0, 0);
                parts++;
            }
            else
            {
                break;
            }
        }

        address = (address << 8) | (uint)part;
        return parts == 3 && digits > 0;
    }

    private static UInt128 Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private IPAddress ToIPAddress(UInt128 bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (IsIPv6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
            return new IPAddress(bytes);
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)bits);
        return new IPAddress(bytes[..4]);
    }

    /// <inheritdoc/>
    public bool Equals(AddressPrefix? other) =>
        other is not null && (_address, _mask, IsIPv6, IsNegated, Name) == (other._address, other._mask, other.IsIPv6, other.IsNegated, other.Name);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AddressPrefix);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_address, _mask, IsIPv6, IsNegated, Name);

    /// <summary>The addresses as <c>iptables -L -n</c> prints them: <c>10.0.0.0/8</c>, <c>10.1.2.3</c>, <c>!fe80::/10</c>.</summary>
    public override string ToString()
    {
        string negation = IsNegated ? "!" : "";
        if (Name is not null)
            return negation + Name;
        string address = negation + Address;
        return PrefixLength switch
        {
            null => $"{address}/{Mask}",
            int all when all == (IsIPv6 ? 128 : 32) => address,
            int length => string.Create(CultureInfo.InvariantCulture, $"{address}/{length}"),
        };
    }
}
