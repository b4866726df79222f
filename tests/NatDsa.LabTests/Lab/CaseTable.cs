using System.Globalization;

namespace NatDsa.LabTests;

/// <summary>
/// A table of docs/safety.md that tests write: each case that was run takes the place of its row; the rows of those
/// that were not run stay.
/// </summary>
internal static class CaseTable
{
    private static readonly SemaphoreSlim s_one = new(1, 1);

    /// <summary>Writes what was seen.</summary>
    /// <param name="name">The table: it begins behind a comment with its name, and ends with the page's part.</param>
    /// <param name="header">Its first row.</param>
    /// <param name="seen">The rows: what tells a case from others, and what became of it.</param>
    public static async Task WriteAsync(string name, string header, IEnumerable<KeyValuePair<string, string>> seen)
    {
        var path = Path.Combine(LabPaths.Root, "docs", "safety.md");
        await s_one.WaitAsync();
        try
        {
            var text = await File.ReadAllTextAsync(path);
            var comment = $"<!-- {name}: written by the tests -->";
            var begin = text.IndexOf(comment, StringComparison.Ordinal) + comment.Length;
            var end = text.IndexOf("\n## ", begin, StringComparison.Ordinal);
            if (end < 0)
                end = text.Length;
            // Behind the header and the line under it.
            var rows = text[begin..end].Split('\n').Where(row => row.StartsWith('|')).Skip(2).ToList();
            foreach (var (key, value) in seen.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                var row = rows.FindIndex(row => row.StartsWith(key + " |", StringComparison.Ordinal));
                if (row < 0)
                    rows.Add(key + value);
                else
                    rows[row] = key + value;
            }

            var line = string.Concat(Enumerable.Repeat("| --- ", header.Count(c => c == '|') - 1)) + "|";
            var table = string.Create(
                CultureInfo.InvariantCulture,
                $"\n\n{rows.Count} cases.\n\n{header}\n{line}\n{string.Join('\n', rows)}\n");
            await File.WriteAllTextAsync(path, text[..begin] + table + text[end..]);
        }
        finally
        {
            s_one.Release();
        }
    }
}
