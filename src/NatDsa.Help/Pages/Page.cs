using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace NatDsa.Help.Pages;

/// <summary>A block of a page.</summary>
/// <param name="File">The file that it stands in.</param>
/// <param name="Block">What it is.</param>
internal readonly record struct PageBlock(string File, Block Block)
{
    public int Line => Block.Line;
}

/// <summary>A heading and what stands under it, up to the next one of its level.</summary>
/// <param name="File">The file that it stands in.</param>
/// <param name="Line">The heading's line, from 0.</param>
/// <param name="Title">The heading's words.</param>
/// <param name="Blocks">What stands under it, in front of its parts.</param>
/// <param name="Parts">The headings under it.</param>
internal sealed record Passage(string File, int Line, string Title, List<PageBlock> Blocks, List<Passage> Parts)
{
    /// <summary>The part with this title; null when there is none.</summary>
    public Passage? this[string title] => Parts.Find(p => p.Title == title);
}

/// <summary>
/// Reads a page. A paragraph that is nothing but a link to another page stands for that page: on the web it is followed, here it is
/// put in its place, without its title.
/// </summary>
internal static class Page
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().Build();

    /// <summary>Reads a file.</summary>
    /// <returns>The page's title and all that is under it; null when it could not be read, which is then a flaw.</returns>
    public static Passage? Read(string file, Flaws flaws)
    {
        if (!File.Exists(file))
        {
            flaws.Add(file, 0, "this page is missing: write it");
            return null;
        }

        List<PageBlock> blocks = [.. Blocks(file, flaws, [])];
        if (blocks is not [{ Block: HeadingBlock { Level: 1 } title }, ..])
        {
            flaws.Add(file, 0, "a page begins with its title, '# …'");
            return null;
        }

        var page = new Passage(file, title.Line, PlainText.Of(title.Inline!), [], []);
        var open = new List<Passage> { page };
        foreach (PageBlock block in blocks.Skip(1))
        {
            if (block.Block is not HeadingBlock heading)
            {
                open[^1].Blocks.Add(block);
                continue;
            }

            var passage = new Passage(block.File, heading.Line, PlainText.Of(heading.Inline!), [], []);
            if (heading.Level is not (2 or 3) || heading.Level > open.Count + 1)
            {
                flaws.Add(block.File, heading.Line, $"'{passage.Title}' should be a heading of level {Math.Min(open.Count + 1, 3)}");
                continue;
            }

            open.RemoveRange(heading.Level - 1, open.Count - heading.Level + 1);
            open[^1].Parts.Add(passage);
            open.Add(passage);
        }

        return page;
    }

    private static IEnumerable<PageBlock> Blocks(string file, Flaws flaws, List<string> within)
    {
        MarkdownDocument document = Markdown.Parse(File.ReadAllText(file), s_pipeline);
        foreach (Block block in document)
        {
            if (block is LinkReferenceDefinitionGroup)
                continue;
            foreach (LinkInline link in Links(block).Where(l => LocalPath(file, l) is { } path && !File.Exists(path)))
                flaws.Add(file, link.Line, $"there is no page {link.Url}");
            if (Included(file, block) is not { } other)
            {
                if (block is ParagraphBlock or HeadingBlock or FencedCodeBlock or ListBlock or Table)
                    yield return new PageBlock(file, block);
                else
                    flaws.Add(file, block.Line, "help has paragraphs, headings, fenced code, lists and tables only");
                continue;
            }

            if (within.Contains(other))
                flaws.Add(file, block.Line, $"{other} cannot stand here: this page stands in it");
            else if (File.Exists(other))
            {
                foreach (PageBlock included in Blocks(other, flaws, [.. within, file]).Where(b => b.Block is not HeadingBlock { Level: 1 }))
                    yield return included;
            }
        }
    }

    private static IEnumerable<LinkInline> Links(Block block) =>
        block is LeafBlock leaf ? leaf.Inline?.Descendants<LinkInline>() ?? [] : block.Descendants<LinkInline>();

    private static string? Included(string file, Block block) =>
        block is ParagraphBlock { Inline: { } inline } && inline.FirstChild is LinkInline { NextSibling: null } link ? LocalPath(file, link) : null;

    private static string? LocalPath(string file, LinkInline link) =>
        link is { IsImage: false, Url: { } url } && url.EndsWith(".md", StringComparison.Ordinal) && !url.Contains(':', StringComparison.Ordinal)
            ? Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, url))
            : null;
}
