using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// Finds the words of lines as iptables-restore does: words between blanks; double quotes, which can open anywhere and hold blanks; a
/// backslash that escapes inside them.
/// </summary>
internal sealed class LineWords(string text, SyntaxErrors errors)
{
    // So many ends are written at a time, whether there are as many or not: no branch hangs on how long words are.
    private const int Run = 8;

    private int[] _ends = new int[2 * Boundaries.BlockLength];
    private char[]? _lastBlock;

    // Where the first and the last double quote of the line are.
    private int _firstQuote;
    private int _lastQuote;

    /// <summary>Whether a double quote can be in the line that <see cref="TryReadToEnd"/> has read, until it reads the next.</summary>
    public bool CanHaveQuotes => _lastQuote >= 0;

    /// <summary>Whether one can be in a stretch of that line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CanHaveQuotesIn(int start, int length) => start <= _lastQuote && start + length > _firstQuote;

    /// <summary>
    /// Where the words from a place to its line's end end, until the next call: between each two of these places stands one. It is empty where two
    /// blanks follow each other. All of them are found before the first is looked at: a loop that does nothing else is one that the processor runs ahead in.
    /// </summary>
    /// <param name="cursor">Where to begin; afterwards at the line's end, which is a line feed, a carriage return before one, or the text's end.</param>
    /// <param name="ends">The place before the first word, and the end of each.</param>
    /// <returns>False when a word's quotes are not closed, which is noted.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryReadToEnd(ref int cursor, out ReadOnlySpan<int> ends)
    {
        int position = cursor;
        int[] found = _ends;
        if (position < text.Length && text[position] == ' ')
            position++;
        found[0] = position - 1;
        int count = 1;
        // All bits are set while quotes are open.
        ulong open = 0;
        (_firstQuote, _lastQuote) = (int.MaxValue, -1);
        while (true)
        {
            var block = new Boundaries(ref BlockAt(position));
            // Up to the first control character or backslash, if there is one.
            ulong line = block.Others ^ (block.Others - 1);
            ulong blanks = block.Blanks & line;
            ulong quotes = block.Quotes & line;
            if ((quotes | open) != 0)
            {
                ulong inside = OpenAt(quotes) ^ open;
                open = (ulong)((long)inside >> 63);
                blanks &= ~inside;
                if (quotes != 0)
                {
                    _firstQuote = Math.Min(_firstQuote, position + BitOperations.TrailingZeroCount(quotes));
                    _lastQuote = position + BitOperations.Log2(quotes);
                }
            }

            if (found.Length - count < Boundaries.BlockLength + Run)
                found = Grow();
            ref int next = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(found), count);
            count += BitOperations.PopCount(blanks);
            do
            {
                WriteRun(ref next, position, ref blanks);
                next = ref Unsafe.Add(ref next, Run);
            }
            while (blanks != 0);

            if (block.Others == 0)
            {
                position += Boundaries.BlockLength;
                continue;
            }

            position += BitOperations.TrailingZeroCount(block.Others);
            if (open != 0 || position < text.Length && text[position] != '\n' && !IsLineEnd(position))
                return TryReadOddLine(ref cursor, out ends);
            if (position > found[count - 1] + 1)
                found[count++] = position;
            cursor = position;
            ends = found.AsSpan(0, count);
            return true;
        }
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
            end = EndOfOddWord(start, end);
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

    /// <summary>The same for a line with backslashes, tabs or other control characters in it, or with quotes that are not closed.</summary>
    private bool TryReadOddLine(ref int cursor, out ReadOnlySpan<int> ends)
    {
        (_firstQuote, _lastQuote) = (0, int.MaxValue);
        int count = 1;
        int position = cursor;
        _ends[0] = position - 1;
        while (true)
        {
            int end = EndOfOddWord(position, position);
            if (end < 0)
            {
                cursor = EndOfLine(cursor);
                ends = default;
                return false;
            }

            if (count == _ends.Length)
                Grow();
            if (end == text.Length || text[end] is not (' ' or '\t'))
            {
                if (end > position)
                    _ends[count++] = end;
                cursor = end;
                ends = _ends.AsSpan(0, count);
                return true;
            }

            _ends[count++] = end;
            position = end + 1;
        }
    }

    /// <summary>The end of a word, from a place in it on; -1 when its quotes are not closed, which is noted.</summary>
    private int EndOfOddWord(int start, int i)
    {
        for (; (uint)i < (uint)text.Length && text[i] is not (' ' or '\t' or '\n') && !IsLineEnd(i); i++)
        {
            if (text[i] != '"')
                continue;
            i = ClosingQuote(i + 1);
            if (i < 0)
            {
                errors.Report(Messages.QuoteNotClosed, start, EndOfLine(start) - start);
                return -1;
            }
        }

        return i;
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

    private int Next(int position)
    {
        while (true)
        {
            var block = new Boundaries(ref BlockAt(position));
            ulong boundaries = block.Blanks | block.Quotes | block.Others;
            if (boundaries != 0)
                return position + BitOperations.TrailingZeroCount(boundaries);
            position += Boundaries.BlockLength;
        }
    }

    /// <summary>Writes the places of the lowest bits, and takes these bits away. What is written when there are no more means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteRun(ref int places, int start, ref ulong bits)
    {
        Write(ref places, 0, start, ref bits);
        Write(ref places, 1, start, ref bits);
        Write(ref places, 2, start, ref bits);
        Write(ref places, 3, start, ref bits);
        Write(ref places, 4, start, ref bits);
        Write(ref places, 5, start, ref bits);
        Write(ref places, 6, start, ref bits);
        Write(ref places, 7, start, ref bits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(ref int places, int index, int start, ref ulong bits)
    {
        Unsafe.Add(ref places, index) = start + BitOperations.TrailingZeroCount(bits);
        bits &= bits - 1;
    }

    /// <summary>For each character whether it is behind an odd number of quotes, or an opening one itself.</summary>
    private static ulong OpenAt(ulong quotes)
    {
        quotes ^= quotes << 1;
        quotes ^= quotes << 2;
        quotes ^= quotes << 4;
        quotes ^= quotes << 8;
        quotes ^= quotes << 16;
        return quotes ^ (quotes << 32);
    }

    /// <summary>The block that begins there; behind the text's end there are line feeds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ushort BlockAt(int start) => ref text.Length - start >= Boundaries.BlockLength
        ? ref Unsafe.Add(ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference<char>(text)), start)
        : ref LastBlock(start);

    private ref ushort LastBlock(int start)
    {
        _lastBlock ??= new char[Boundaries.BlockLength];
        text.AsSpan(start).CopyTo(_lastBlock);
        _lastBlock.AsSpan(text.Length - start).Fill('\n');
        return ref Unsafe.As<char, ushort>(ref _lastBlock[0]);
    }

    private int[] Grow()
    {
        Array.Resize(ref _ends, _ends.Length * 2);
        return _ends;
    }

    private bool IsLineEnd(int i) => text[i] == '\r' && (i + 1 == text.Length || text[i + 1] == '\n');
}
