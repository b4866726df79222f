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

    /// <summary>The mark of a word with a <c>!</c> before it, or between it and its value.</summary>
    public const uint Negation = 1u << (LengthBits + 2);

    /// <summary>The mark of an option that has its value in the same word, behind an equals sign.</summary>
    public const uint AttachedValue = Negation << 1;

    private const int LengthBits = 26;

    // One number: it is put together in a register, and stored as a whole. The length has the marks above it.
    private readonly ulong _bits;

    /// <summary>A word, and its marks: what it stands for, by <see cref="MarksOf"/>, and whether it is negated or has a value attached.</summary>
    public Word(int start, int length, uint marks) => _bits = (uint)start | (ulong)((uint)length | marks) << 32;

    private Word(ulong bits) => _bits = bits;

    /// <summary>The name of a match: where it is, and its number among the store's names, which takes the place of its length.</summary>
    public static Word Match(int start, int name) => new(start, name, MarksOf(WordRole.Match));

    public int Start => (int)_bits;

    /// <summary>How long it is, quotes and all; of a match's name <see cref="MatchName"/>.</summary>
    public int Length => (int)(_bits >> 32) & MaximumLength;

    /// <summary>The number of a match's name: who asks for it need not look into the text, which may be far away by then.</summary>
    public int MatchName => Length;

    public WordRole Role => (WordRole)((Marks >> LengthBits) & 3);

    /// <summary>Whether a <c>!</c> stands before the option, or between it and its value.</summary>
    public bool IsNegated => (Marks & Negation) != 0;

    /// <summary>Whether the word is an option and its value, with an equals sign between them.</summary>
    public bool HasAttachedValue => (Marks & AttachedValue) != 0;

    /// <summary>The same word, negated.</summary>
    public Word Negated() => new(_bits | (ulong)Negation << 32);

    /// <summary>The mark of a word that stands for this.</summary>
    public static uint MarksOf(WordRole role) => (uint)role << LengthBits;

    private uint Marks => (uint)(_bits >> 32);
}
