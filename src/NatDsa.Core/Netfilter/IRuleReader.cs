namespace NatDsa.Netfilter;

/// <summary>Reads a text of one form, rule by rule.</summary>
internal interface IRuleReader
{
    /// <summary>What has been read so far; all of it once <see cref="ReadRule"/> gave -1.</summary>
    Ruleset Ruleset { get; }

    /// <summary>Reads the next rule, and gives its number in the ruleset's store; -1 at the end of the text.</summary>
    /// <exception cref="RulesetSyntaxException">The mode is strict, and the text goes wrong.</exception>
    int ReadRule();
}
