using System.Text;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace NatDsa.Help.Pages;

/// <summary>Pages as a terminal shows them.</summary>
internal static class PlainText
{
    /// <summary>The paragraphs of some blocks: a whole list is one, as is a block of code or a table.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="flaws">Where to put what can't be shown.</param>
    /// <param name="width">How long a line may be; one of code can be longer.</param>
    /// <param name="codeIndent">What stands in front of each line of code.</param>
    public static IEnumerable<string> Paragraphs(IEnumerable<PageBlock> blocks, Flaws flaws, int width = int.MaxValue, string codeIndent = "") =>
        blocks.SelectMany(block => Lines(block, flaws, width, codeIndent) is { Count: > 0 } lines ? [string.Join('\n', lines)] : Array.Empty<string>());

    /// <summary>The words of a piece of text.</summary>
    public static string Of(ContainerInline inlines)
    {
        var text = new StringBuilder();
        foreach (Inline inline in inlines)
        {
            text.Append(inline switch
            {
                LiteralInline literal => literal.Content.ToString(),
                CodeInline code => code.Content,
                LineBreakInline => " ",
                HtmlEntityInline entity => entity.Transcoded.ToString(),
                AutolinkInline link => link.Url,
                LinkInline { Url: { } url } link when url.Contains("://", StringComparison.Ordinal) => $"{Of(link)} ({url})",
                ContainerInline container => Of(container),
                _ => throw new InvalidOperationException($"{inline.GetType().Name} at line {inline.Line + 1} has no plain text."),
            });
        }

        return text.ToString();
    }

    /// <summary>The lines of a block of code.</summary>
    public static string Code(FencedCodeBlock code) => code.Lines.ToString().TrimEnd();

    /// <summary>Breaks a paragraph into lines.</summary>
    /// <param name="text">The paragraph.</param>
    /// <param name="width">How long a line may be.</param>
    /// <param name="indent">What stands in front of the second and further lines.</param>
    public static IEnumerable<string> Wrap(string text, int width, string indent = "")
    {
        var line = new StringBuilder();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > indent.Length && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear().Append(indent).Append(word);
            }
            else
            {
                line.Append(line.Length == 0 || line.Length == indent.Length && indent.Length > 0 ? "" : " ").Append(word);
            }
        }

        yield return line.ToString();
    }

    private static List<string> Lines(PageBlock block, Flaws flaws, int width, string codeIndent) => block.Block switch
    {
        ParagraphBlock paragraph => [.. Wrap(Of(paragraph.Inline!), width)],
        FencedCodeBlock code => [.. Code(code).Split('\n').Select(line => (codeIndent + line).TrimEnd())],
        ListBlock list => [.. list.SelectMany((item, i) => Item(block.File, (ListItemBlock)item, list.IsOrdered ? $"{i + 1}. " : "- ", flaws, width))],
        Table table => [.. Rows(table, width)],
        _ => throw new InvalidOperationException($"{block.Block.GetType().Name} has no plain text."),
    };

    private static IEnumerable<string> Item(string file, ListItemBlock item, string mark, Flaws flaws, int width)
    {
        if (item is [ParagraphBlock words])
            return Wrap(mark + Of(words.Inline!), width, new string(' ', mark.Length));
        flaws.Add(file, item.Line, "an item of a list is one paragraph here");
        return [];
    }

    // Between two columns.
    private const string Gap = "  ";

    private static IEnumerable<string> Rows(Table table, int width)
    {
        List<string[]> rows = [.. table.Cast<TableRow>().Select(row => row.Cast<TableCell>().Select(Cell).ToArray())];
        int[] widths = Widths(rows, width);
        foreach (string[] row in rows)
        {
            List<string>[] cells = [.. row.Select((cell, i) => Wrap(cell, widths[i]).ToList())];
            for (int line = 0; line < cells.Max(cell => cell.Count); line++)
            {
                IEnumerable<string> words = cells.Select(cell => line < cell.Count ? cell[line] : "");
                yield return string.Join(Gap, words.Select((word, i) => word.PadRight(widths[i]))).TrimEnd();
            }

            if (row == rows[0])
                yield return string.Join(Gap, widths.Select(w => new string('-', w)));
        }
    }

    /// <summary>
    /// Columns as wide as their cells; where these have no room side by side, the widest are narrowed, but never below
    /// a word.
    /// </summary>
    private static int[] Widths(List<string[]> rows, int width)
    {
        int[] columns = [.. Enumerable.Range(0, rows[0].Length)];
        int[] widths = [.. columns.Select(i => rows.Max(row => row[i].Length))];
        int[] least = [.. columns.Select(i => rows.Max(row => row[i].Split(' ').Max(word => word.Length)))];
        int room = width - Gap.Length * (columns.Length - 1);
        while (widths.Sum() > room && columns.Any(i => widths[i] > least[i]))
            widths[columns.Where(i => widths[i] > least[i]).MaxBy(i => widths[i])]--;
        return widths;
    }

    private static string Cell(TableCell cell) => string.Join(' ', cell.OfType<ParagraphBlock>().Select(p => Of(p.Inline!)));
}
