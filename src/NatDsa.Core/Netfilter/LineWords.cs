using System.Numerics;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>A word of a line: where it is in the text, quotes and all, and whether a double quote is in it.</summary>
internal readonly struct LineWord(int start, int length, bool isQuoted)
{
    private const ulong QuotedBit = 1ul << 63;

    // One number, which travels in a register.
    private readonly ulong _bits = (uint)start | (ulong)(uint)length << 32 | (isQuoted ? QuotedBit : 0);

    public int Start => (int)_bits;

    public int Length => (int)(_bits >> 32) & int.MaxValue;

    public bool IsQuoted => (long)_bits < 0;
}

/// <summary>
/// Finds the words of lines as iptables-restore does: words between blanks; double quotes, which can open anywhere and hold blanks; a
/// backslash that escapes inside them.
/// </summary>
internal sealed class LineWords(string text, SyntaxErrors errors)
{
    private Boundaries _boundaries = new(text);
    private LineWord[] _words = new LineWord[2 * Boundaries.BlockLength];

    /// <summary>
    /// The words from a place to its line's end, until the next call. All of them are found before the first is looked at: a loop that does nothing
    /// else is one that the processor runs ahead in.
    /// </summary>
    /// <param name="cursor">Where to begin; afterwards at the line's end, which is a line feed, a carriage return before one, or the text's end.</param>
    /// <param name="words">The words.</param>
    /// <returns>False when a word's quotes are not closed, which is noted.</returns>
    public bool TryReadToEnd(ref int cursor, out ReadOnlySpan<LineWord> words)
    {
        string line = text;
        LineWord[] found = _words;
        int count = 0;
        for (int start = cursor, position = start; ;)
        {
            if (found.Length - count <= Boundaries.BlockLength)
                found = Grow();
            int block = position & -Boundaries.BlockLength;
            ulong blanks = _boundaries.From(position, out ulong others);
            // Up to what is no blank, if anything.
            for (blanks &= (others - 1) & ~others; blanks != 0; blanks &= blanks - 1)
            {
                int end = block + BitOperations.TrailingZeroCount(blanks);
                if (end > start)
                    found[count++] = new LineWord(start, end - start, false);
                start = end + 1;
            }

            position = block + BitOperations.TrailingZeroCount(others);
            if (others == 0)
                continue;
            int endOfWord = EndOfOddWord(start, position, out bool quoted);
            if (endOfWord < 0)
            {
                cursor = EndOfLine(start);
                words = default;
                return false;
            }

            if (endOfWord > start)
                found[count++] = new LineWord(start, endOfWord - start, quoted);
            if ((uint)endOfWord >= (uint)line.Length || line[endOfWord] is '\n' or '\r')
            {
                cursor = endOfWord;
                words = found.AsSpan(0, count);
                return true;
            }

            start = position = endOfWord + 1;
        }
    }

    private LineWord[] Grow()
    {
        Array.Resize(ref _words, _words.Length * 2);
        return _words;
    }

    /// <summary>The next word of the line.</summary>
    /// <returns>False at the line's end, and when the word's quotes are not closed, which is noted.</returns>
    public bool TryRead(ref int cursor, out int start, out int length)
    {
        while ((uint)cursor < (uint)text.Length && text[cursor] is ' ' or '\t')
            cursor++;
        start = cursor;
        int end = Next(start);
        if ((uint)end < (uint)text.Length && text[end] is not (' ' or '\n'))
            end = EndOfOddWord(start, end, out _);
        cursor = end < 0 ? EndOfLine(start) : end;
        length = end - start;
        return length > 0;
    }

    /// <summary>The end of the line that holds this place: a line feed, a carriage return before one, or the text's end.</summary>
    public int EndOfLine(int position)
    {
        int length = text.AsSpan(position).IndexOf('\n');
        int end = length < 0 ? text.Length : position + length;
        return end > position && text[end - 1] == '\r' ? end - 1 : end;
    }

    /// <summary>The end of a word that has a quote or a control character in it; -1 when its quotes are not closed, which is noted.</summary>
    private int EndOfOddWord(int start, int i, out bool quoted)
    {
        quoted = false;
        for (; (uint)i < (uint)text.Length && text[i] is not (' ' or '\t' or '\n') && !IsLineEnd(i); i++)
        {
            if (text[i] != '"')
                continue;
            quoted = true;
            i = ClosingQuote(i + 1);
            if (i < 0)
            {
                errors.Report(Messages.QuoteNotClosed, start, EndOfLine(start) - start);
                return -1;
            }
        }

        return i;
    }

    private int Next(int position)
    {
        while (true)
        {
            ulong boundaries = _boundaries.From(position, out ulong others) | others;
            position = (position & -Boundaries.BlockLength) + BitOperations.TrailingZeroCount(boundaries);
            if (boundaries != 0)
                return position;
        }
    }

    private int ClosingQuote(int i)
    {
        while (true)
        {
            int length = text.AsSpan(i).IndexOfAny('"', '\\', '\n');
            if (length < 0)
                return -1;
            i += length;
            if (text[i] == '"')
                return i;
            if (text[i] == '\n' || i + 1 >= text.Length || text[i + 1] == '\n')
                return -1;
            i += 2;
        }
    }

    private bool IsLineEnd(int i) => text[i] == '\r' && (i + 1 == text.Length || text[i + 1] == '\n');
}
