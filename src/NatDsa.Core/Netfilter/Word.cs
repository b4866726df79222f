namespace NatDsa.Netfilter;

/// <summary>What a word of a rule stands for.</summary>
internal enum WordRole
{
    /// <summary>A value of the option before it.</summary>
    Value = 0,

    /// <summary>The name after <c>-m</c>: a match begins.</summary>
    Match = 1,

    /// <summary>An option of the match before it.</summary>
    MatchOption = 2,

    /// <summary>An option of the target.</summary>
    TargetOption = 3,
}

/// <summary>A word of a rule: where it is in the text, and what it stands for. Eight bytes, as a ruleset holds millions.</summary>
internal readonly struct Word
{
    /// <summary>The longest word, and with it the longest line, that fits: 64 Mi characters.</summary>
    public const int MaximumLength = (1 << LengthBits) - 1;

    private const int LengthBits = 26;
    private const uint NegatedBit = 1u << 30;
    private const uint QuotedBit = 1u << 31;
    private const uint AttachedBit = 1u << 31;

    private readonly uint _start;
    private readonly uint _rest;

    public Word(int start, int length, WordRole role, bool quoted, bool negated, bool attached = false)
    {
        _start = (uint)start | (attached ? AttachedBit : 0);
        _rest = (uint)length | ((uint)role << LengthBits) | (negated ? NegatedBit : 0) | (quoted ? QuotedBit : 0);
    }

    public int Start => (int)(_start & ~AttachedBit);

    public int Length => (int)(_rest & MaximumLength);

    public WordRole Role => (WordRole)((_rest >> LengthBits) & 3);

    /// <summary>Whether a <c>!</c> stands before the option, or between it and its value.</summary>
    public bool IsNegated => (_rest & NegatedBit) != 0;

    /// <summary>Whether the word is an option and its value, with an equals sign between them.</summary>
    public bool HasAttachedValue => (_start & AttachedBit) != 0;

    /// <summary>Whether the word holds a double quote, and with it perhaps blanks and backslashes.</summary>
    public bool IsQuoted => (_rest & QuotedBit) != 0;
}
