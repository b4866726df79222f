using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>Turns places in a text into errors: throws the first, or collects them all, as the mode says.</summary>
internal sealed class SyntaxErrors(Ruleset ruleset, RulesetReadMode mode)
{
    // Lines are counted when an error needs it, onwards from the error before.
    private int _countedTo;
    private int _line = 1;
    private int _lineStart;
    private bool _endIsReported;

    /// <summary>Notes that the word at this place cannot stand there.</summary>
    /// <param name="format">A message with the word as <c>{0}</c>.</param>
    /// <param name="start">Where the word begins, in the text.</param>
    /// <param name="length">How long it is.</param>
    /// <exception cref="RulesetSyntaxException">The mode is strict.</exception>
    public void Report(string format, int start, int length)
    {
        ruleset.IsPartial = true;
        if (mode == RulesetReadMode.Lenient && ruleset.Errors.Count >= Ruleset.MaximumErrors)
            return;

        string text = ruleset.SourceText;
        start = Math.Clamp(start, 0, text.Length);
        if (start < _countedTo)
            (_countedTo, _line, _lineStart) = (0, 1, 0);
        ReadOnlySpan<char> span = text;
        for (int next; (next = span[_countedTo..start].IndexOf('\n')) >= 0;)
        {
            _countedTo += next + 1;
            (_line, _lineStart) = (_line + 1, _countedTo);
        }

        string word = span.Slice(start, Math.Clamp(length, 0, Math.Min(text.Length - start, RulesetError.MaximumWordLength))).ToString();
        int column = start - _lineStart + 1;
        if (_lineStart == 0 && text is ['\uFEFF', ..])
            column--;
        var error = new RulesetError(_line, Math.Max(column, 1), word, Messages.RulesetSyntax.With(_line, column, format.With(word)));
        if (mode == RulesetReadMode.Strict)
            throw new RulesetSyntaxException(error);
        ruleset.Add(error);
    }

    /// <summary>Notes that the text ends before it is complete: once, however many things it leaves open.</summary>
    public void ReportEnd(string message)
    {
        if (!_endIsReported)
            Report(message, ruleset.SourceText.Length, 0);
        _endIsReported = true;
    }
}
