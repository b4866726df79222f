using System.Text.RegularExpressions;

namespace NatDsa.Tests;

/// <summary>A command that a page of docs/en-US shows.</summary>
/// <param name="Page">The page's file name.</param>
/// <param name="Command">The command.</param>
/// <param name="State">The state of the lab's NAT host that it was run on; empty for one that needs no host, or was not run.</param>
/// <param name="Output">What it printed; null when the page does not show that.</param>
public sealed partial record PageExample(string Page, string Command, string State, string? Output)
{
    /// <summary>The width that the shown output was made for.</summary>
    public const int Width = 116;

    /// <summary>A command whose output is laid out for that width, wherever it goes.</summary>
    public static string AtItsWidth(string command) => $"& {{ {command} }} | Out-String -Width {Width}";

    /// <summary>Reads the commands of a page, in its order.</summary>
    public static IEnumerable<PageExample> Read(string file) =>
        Fence().Matches(File.ReadAllText(file)).Select(match => new PageExample(
            Path.GetFileName(file),
            match.Groups["command"].Value.TrimEnd(),
            match.Groups["state"].Value,
            match.Groups["output"].Success ? match.Groups["output"].Value : null));

    /// <summary>Reads the commands of every page.</summary>
    /// <param name="root">The folder of NatDsa.slnx.</param>
    public static IEnumerable<PageExample> ReadAll(string root) =>
        Directory.EnumerateFiles(Path.Combine(root, "docs", "en-US"), "*.md").Order(StringComparer.Ordinal).SelectMany(Read);

    /// <summary>What was printed, without what no page keeps: blanks at the ends, and what is another one each time.</summary>
    public static string Normalise(string output)
    {
        string text = string.Join('\n', output.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())).Trim('\n');
        text = Milliseconds().Replace(text, " N ms");
        text = TimedOutAfter().Replace(text, "after N milliseconds");
        text = PacketCounters().Replace(text, "[N:N]");
        return Dates().Replace(text, " on DATE");
    }

    [GeneratedRegex(@"^```powershell(?: (?<state>\S+))?\n(?<command>.*?)^```\n(?:\n```output\n(?<output>.*?)^```\n)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\s*\d+ ms\b")]
    private static partial Regex Milliseconds();

    // The line may be broken between the two, or in them.
    [GeneratedRegex(@"after\s+\d+\s+milliseconds")]
    private static partial Regex TimedOutAfter();

    [GeneratedRegex(@"\[\d+:\d+\]")]
    private static partial Regex PacketCounters();

    [GeneratedRegex(@" on \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}")]
    private static partial Regex Dates();
}
