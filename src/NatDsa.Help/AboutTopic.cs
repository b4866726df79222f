using System.Text;
using NatDsa.Help.Pages;

namespace NatDsa.Help;

/// <summary>An about_ page as <c>Get-Help about_…</c> shows it.</summary>
internal static class AboutTopic
{
    private const int Width = 80;
    private const string Indent = "    ";

    /// <summary>Writes the text.</summary>
    public static string Write(string file, Flaws flaws)
    {
        if (Page.Read(file, flaws) is not { } page)
            return "";
        string name = Path.GetFileNameWithoutExtension(file);
        if (page.Title != name)
            flaws.Add(file, page.Line, $"the title should be the topic's name, {name}");
        List<string> opening = [.. PlainText.Paragraphs(page.Blocks, flaws, Width - Indent.Length, Indent)];

        // Get-Help takes the fifth line of the file for the synopsis.
        if (opening is not [string synopsis, ..] || synopsis.Contains('\n', StringComparison.Ordinal))
        {
            flaws.Add(file, page.Line, $"under the title stands the synopsis, a sentence of at most {Width - Indent.Length} characters");
            return "";
        }

        var text = new StringBuilder();
        Append(text, "TOPIC", [name]);
        Append(text, "SHORT DESCRIPTION", [synopsis]);
        if (opening.Count > 1)
            Append(text, "LONG DESCRIPTION", opening.Skip(1));
        foreach (Passage section in page.Parts)
        {
            Append(text, section.Title.ToUpperInvariant(), PlainText.Paragraphs(section.Blocks, flaws, Width - Indent.Length, Indent));
            foreach (Passage part in section.Parts)
                Append(text, "  " + part.Title, PlainText.Paragraphs(part.Blocks, flaws, Width - Indent.Length, Indent));
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static void Append(StringBuilder text, string heading, IEnumerable<string> paragraphs)
    {
        text.Append(heading).Append('\n');
        foreach (string paragraph in paragraphs)
        {
            foreach (string line in paragraph.Split('\n'))
                text.Append(line.Length == 0 ? "" : Indent + line).Append('\n');
            text.Append('\n');
        }
    }
}
