using System.Diagnostics.CodeAnalysis;

namespace NatDsa.Netfilter;

/// <summary>
/// The interfaces that a rule's <c>-i</c> or <c>-o</c> matches: one name, or with a <c>+</c> at its end every name that
/// starts so (iptables(8)); nft writes a <c>*</c> there.
/// </summary>
/// <param name="Name">The name, or the start of it, without the <c>+</c>. Empty with <paramref name="IsPrefix"/>: every interface.</param>
/// <param name="IsPrefix">Whether every name that starts with <paramref name="Name"/> matches.</param>
/// <param name="IsNegated">Whether the rule matches every interface but these.</param>
public sealed record InterfacePattern(string Name, bool IsPrefix = false, bool IsNegated = false)
{
    /// <summary>Reads a pattern as iptables writes it: <c>eth0</c>, <c>eth+</c>, <c>!eth0</c>.</summary>
    /// <exception cref="FormatException">It is empty.</exception>
    public static InterfacePattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out InterfacePattern? pattern) ? pattern : throw new FormatException($"'{text}' names no interface.");
    }

    /// <summary>Reads a pattern as iptables writes it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out InterfacePattern? pattern)
    {
        bool negated = text is ['!', ..];
        if (negated)
            text = text[1..].TrimStart(' ');
        pattern = text.IsEmpty ? null : Of(text, negated);
        return pattern is not null;
    }

    internal static InterfacePattern Of(ReadOnlySpan<char> text, bool negated) =>
        text is [.. var start, '+'] ? new(start.ToString(), true, negated) : new(text.ToString(), false, negated);

    /// <summary>Whether the pattern, leaving negation aside, holds every interface.</summary>
    public bool IsAny => IsPrefix && Name.Length == 0;

    /// <summary>Whether a packet on this interface matches.</summary>
    public bool Matches(string interfaceName)
    {
        ArgumentNullException.ThrowIfNull(interfaceName);
        bool named = IsPrefix ? interfaceName.StartsWith(Name, StringComparison.Ordinal) : interfaceName == Name;
        return named != IsNegated;
    }

    /// <summary>The pattern as <c>iptables -L</c> prints it: <c>eth+</c>, <c>!eth0</c>.</summary>
    public override string ToString() => (IsNegated ? "!" : "") + Name + (IsPrefix ? "+" : "");
}
