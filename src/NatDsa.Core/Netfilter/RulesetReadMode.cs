namespace NatDsa.Netfilter;

/// <summary>What a reader does with a line that it cannot read.</summary>
public enum RulesetReadMode
{
    /// <summary>Stops there, with a <see cref="RulesetSyntaxException"/>.</summary>
    Strict = 0,

    /// <summary>Notes it in <see cref="Ruleset.Errors"/>, marks the ruleset as partial and goes on with the next line.</summary>
    Lenient,
}
