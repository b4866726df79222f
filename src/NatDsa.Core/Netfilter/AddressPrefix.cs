using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
        return TryReadIPv4(text, out address, out int used) && IsMaskNext(text[used..], out mask);
    }

    /// <summary>The same for a stretch of a text.</summary>
    internal static bool TryParseIPv4(string text, int start, int length, out uint address, out uint mask)
    {
        mask = uint.MaxValue;
        if (!TryReadIPv4(text, start, out address, out int used) || used > length)
            return TryParseIPv4(text.AsSpan(start, length), out address, out mask);
        if (used == length)
            return true;
        // /24
        uint tens = (uint)text[start + length - 2] - '0', ones = (uint)text[start + length - 1] - '0';
        if (length - used == 3 && text[start + used] == '/' && tens <= 3 && ones <= 9 && tens * 10 + ones is > 0 and <= 32)
        {
            mask = uint.MaxValue << (int)(32 - tens * 10 - ones);
            return true;
        }

        return IsMaskNext(text.AsSpan(start + used, length - used), out mask);
    }

    private static bool IsMaskNext(ReadOnlySpan<char> text, out uint mask)
    {
        mask = uint.MaxValue;
        return text.IsEmpty || text[0] == '/' && TryReadIPv4Mask(text[1..], out mask);
    }

    /// <summary>The same as the slower one below, where there is room around the address in the text: takes no branch that hangs on how many digits there are.</summary>
    private static bool TryReadIPv4(string text, int start, out uint address, out int used)
    {
        (address, used) = (0, 0);
        if (!BitConverter.IsLittleEndian || start < 3 || text.Length - start < Vector256<ushort>.Count)
            return false;
        ref ushort letters = ref Unsafe.Add(ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference<char>(text)), start);
        Vector256<ushort> vector = Vector256.LoadUnsafe(ref letters);
        uint dots = Vector256.Equals(vector, Vector256.Create((ushort)'.')).ExtractMostSignificantBits();
        uint digits = Vector256.LessThan(vector - Vector256.Create((ushort)'0'), Vector256.Create((ushort)10)).ExtractMostSignificantBits();
        // The ends of four numbers.
        uint ends = ~digits;
        int first = BitOperations.TrailingZeroCount(ends);
        uint rest = ends & (ends - 1);
        int second = BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        int third = BitOperations.TrailingZeroCount(rest);
        rest &= rest - 1;
        used = BitOperations.TrailingZeroCount(rest);
        if (((ends ^ rest) & ~dots) != 0 || (uint)(first - 1) > 2 || (uint)(second - first - 2) > 2 || (uint)(third - second - 2) > 2 || (uint)(used - third - 2) > 2)
            return false;
        ulong a = NumberBefore(ref letters, first, first), b = NumberBefore(ref letters, second, second - first - 1);
        ulong c = NumberBefore(ref letters, third, third - second - 1), d = NumberBefore(ref letters, used, used - third - 1);
        address = (uint)(a << 24 | b << 16 | c << 8 | d);
        return (a | b | c | d) <= byte.MaxValue;
    }

    /// <summary>The number of one to three digits that ends there. Four characters are looked at, those that are none of its digits left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong NumberBefore(ref ushort letters, int end, int digits)
    {
        ulong four = Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ushort, byte>(ref Unsafe.Add(ref letters, end - 4)));
        // The last digit is the highest sixteenth of bits; the product has the sum there.
        return (((four ^ 0x0030_0030_0030_0030) & (ulong.MaxValue << (-16 * digits))) * (1 | 10ul << 16 | 100ul << 32)) >> 48;
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
                int length = BitOperations.LeadingZeroCount(~_mask);
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
