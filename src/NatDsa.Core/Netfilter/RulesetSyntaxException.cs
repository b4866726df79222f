using System.Globalization;

namespace NatDsa.Netfilter;

/// <summary>A place in a text that cannot be read as a ruleset.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The character in that line, from 1.</param>
/// <param name="Word">The offending word, at most <see cref="MaximumWordLength"/> characters of it; empty where the text ends too early.</param>
/// <param name="Message">What is wrong, in the user's language.</param>
public sealed record RulesetError(int Line, int Column, string Word, string Message)
{
    /// <summary>How many characters of an offending word are kept.</summary>
    public const int MaximumWordLength = 64;

    /// <summary>The place and the message: <c>3:14: …</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Line}:{Column}: {Message}");
}

/// <summary>A text cannot be read as a ruleset; says where and why.</summary>
/// <param name="error">The place and what is wrong there.</param>
public sealed class RulesetSyntaxException(RulesetError error) : FormatException(error.Message)
{
    /// <summary>The line, from 1.</summary>
    public int Line => Error.Line;

    /// <summary>The character in that line, from 1.</summary>
    public int Column => Error.Column;

    /// <summary>The offending word; empty where the text ends too early.</summary>
    public string Word => Error.Word;

    /// <summary>All of it.</summary>
    public RulesetError Error { get; } = error;
}
