namespace NatDsa.Netfilter;

/// <summary>Reads a text of one form, rule by rule.</summary>
internal interface IRuleReader
{
    /// <summary>What has been read so far; all of it once <see cref="ReadRule"/> gave null.</summary>
    Ruleset Ruleset { get; }

    /// <summary>The next rule; null at the end of the text.</summary>
    /// <exception cref="RulesetSyntaxException">The mode is strict, and the text goes wrong.</exception>
    Rule? ReadRule();
}
