using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Net;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>
/// What a cmdlet makes of what is piped in. A row of an inventory is a host. A string is one as well, but text to a
/// cmdlet that reads text, unless a parameter of hosts is in the line.
/// </summary>
/// <remarks>
/// PowerShell looks twice for a parameter that takes an object: first for one that takes it as it is, then for one that
/// it can be converted to. An attribute that throws <see cref="PSInvalidCastException"/> has it look further.
/// </remarks>
internal static class PipedWords
{
    private static readonly string[] s_columns = ["ComputerName", "HostName"];

    /// <summary>Whether an object is a row of an inventory, not a word or what a program has said.</summary>
    public static bool IsRow(object? value) =>
        Bare(value) is not string and var bare && (bare is PSCustomObject || NamesHost(value));

    /// <summary>Whether it names a host by a column.</summary>
    public static bool NamesHost(object? value) =>
        value is PSObject { Properties: var properties }
        && Array.Exists(s_columns, column => properties[column] is not null);

    /// <summary>An object without what PowerShell has wrapped it in.</summary>
    public static object? Bare(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    /// <summary>Says of a name that it is none, and of a row that came to be one, what it lacks.</summary>
    public static string WhyNoName(string name) =>
        Messages.NotAHostName.With(Untrusted.OneLine(name))
        + (name.StartsWith("@{", StringComparison.Ordinal) ? " " + Messages.RowNamesNoHost : "");

    /// <summary>A word as it is typed.</summary>
    public static string Typed(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || "@:./\\_-".Contains(c))
            ? word
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(word)}'";

    /// <summary>Converts one, or each of a list.</summary>
    public static object? Convert(object? value, Func<object?, object?> convert) =>
        Bare(value) is IEnumerable several and not string
            ? several.Cast<object?>().Select(convert).ToArray()
            : convert(value);
}

/// <summary>Names of hosts: they are no strings at the first look, which is for text.</summary>
internal sealed class PipedNameAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        PipedWords.Convert(inputData, static value => PipedWords.Bare(value) switch
        {
            // The parameters in the line are for a host's name, and it has none.
            _ when ReceivedRecord.OfNoHost(value) is { } received =>
                throw new ArgumentTransformationMetadataException(received.Why),
            FileSystemInfo file => throw new PSInvalidCastException(
                Messages.FileIsPath.With(PipedWords.Typed(file.FullName))),
            null => null,
            string or IPAddress => new Name($"{value}"),
            PSCustomObject when !PipedWords.NamesHost(value) => new Name($"{value}"),
            _ => throw new PSInvalidCastException(
                (PipedWords.NamesHost(value) ? Messages.RowIsPiped : Messages.NotAHostName).With($"{value}")),
        })!;

    private sealed record Name(string Text)
    {
        public override string ToString() => Text;
    }
}

/// <summary>Lines of text: strings, and what a program has written to its standard error.</summary>
internal sealed class PipedTextAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        PipedWords.Convert(inputData, static value => PipedWords.IsRow(value)
            ? throw new PSInvalidCastException(Messages.NotAHostName.With($"{value}"))
            : value)!;
}
