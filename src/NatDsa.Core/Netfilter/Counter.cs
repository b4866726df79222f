namespace NatDsa.Netfilter;

/// <summary>A counter as <c>iptables -L -v</c> prints it: whole, or rounded with a <c>K</c>, <c>M</c>, <c>G</c> or <c>T</c> (powers of a thousand).</summary>
internal static class Counter
{
    public static bool TryParse(ReadOnlySpan<char> text, out ulong value, out bool isRounded)
    {
        value = 0;
        ulong unit = text is [.., var suffix] ? suffix switch { 'K' => 1000, 'M' => 1_000_000, 'G' => 1_000_000_000, 'T' => 1_000_000_000_000, _ => 1ul } : 0;
        isRounded = unit > 1;
        ReadOnlySpan<char> digits = isRounded ? text[..^1] : text;
        if (digits.IsEmpty)
            return false;
        foreach (char c in digits)
        {
            uint digit = (uint)(c - '0');
            if (digit > 9 || value > (ulong.MaxValue - digit) / 10)
                return false;
            value = value * 10 + digit;
        }

        if (value > ulong.MaxValue / unit)
            return false;
        value *= unit;
        return true;
    }
}
