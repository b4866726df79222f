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
    private const int RoleBit = 32 + LengthBits;
    private const ulong NegatedBit = 1ul << (RoleBit + 2);
    private const ulong AttachedBit = NegatedBit << 1;

    // One number: it is put together in a register, and stored as a whole.
    private readonly ulong _bits;

    public Word(int start, int length, WordRole role, bool negated, bool attached = false) =>
        _bits = (uint)start | (ulong)(uint)length << 32 | (ulong)role << RoleBit | (negated ? NegatedBit : 0) | (attached ? AttachedBit : 0);

    public int Start => (int)_bits;

    public int Length => (int)(_bits >> 32) & MaximumLength;

    public WordRole Role => (WordRole)((_bits >> RoleBit) & 3);

    /// <summary>Whether a <c>!</c> stands before the option, or between it and its value.</summary>
    public bool IsNegated => (_bits & NegatedBit) != 0;

    /// <summary>Whether the word is an option and its value, with an equals sign between them.</summary>
    public bool HasAttachedValue => (_bits & AttachedBit) != 0;
}
