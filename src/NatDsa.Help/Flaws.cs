namespace NatDsa.Help;

/// <summary>What is wrong with the pages: all of it, so that one build tells everything.</summary>
internal sealed class Flaws
{
    private readonly SortedSet<string> _lines = new(StringComparer.Ordinal);

    /// <summary>Adds one.</summary>
    /// <param name="file">The page.</param>
    /// <param name="line">The line in it, from 0.</param>
    /// <param name="message">What is wrong, and what to do.</param>
    public void Add(string file, int line, string message) => _lines.Add($"{Path.GetFullPath(file)}({line + 1},1): error HELP: {message}");

    /// <summary>Writes them, a line each.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Report(TextWriter writer)
    {
        foreach (string line in _lines)
            writer.WriteLine(line);
        return _lines.Count > 0;
    }
}
