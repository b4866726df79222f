namespace NatDsa.Host;

/// <summary>One line at the foot of the terminal that is written over and over.</summary>
internal sealed class ProgressLine(TextWriter terminal, int width)
{
    private const string EraseLine = "\r\u001b[K";
    private string? _shown;

    /// <summary>Shows the text, cut to the line; null takes the line away.</summary>
    public void Show(string? text)
    {
        if (text == _shown)
            return;
        _shown = text;
        // A full-width character fills two columns: half of the line is always enough.
        terminal.Write(EraseLine + (text is null || text.Length <= width / 2 ? text : string.Concat(text.AsSpan(0, width / 2 - 1), "…")));
    }
}
