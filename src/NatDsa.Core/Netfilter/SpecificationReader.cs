using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// Reads the words of a rule that is written as a command: conditions, matches, target. One pass from the chain's name to the line's
/// end; each word is found once, looked at once, and kept as a place in the text.
/// </summary>
/// <remarks>
/// The grammar is iptables-restore's: words between blanks; double quotes, which can open anywhere and hold blanks; a
/// backslash that escapes inside them. Sources: iptables(8), iptables-restore(8), iptables-extensions(8).
/// </remarks>
internal sealed class SpecificationReader(RuleStore store, SyntaxErrors errors)
{
    // c d g i j m o p s, by their distance from c.
    private const int ValueLetters = 1 | 1 << 1 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 16;

    private readonly string _text = store.Text;

    // The newest chunk of the store's words.
    private Word[] _chunk = [];
    private int _chunkCount;
    private int _ruleWords;

    // The rule that is being read.
    private int _lastOption;
    private bool _isNegated;
    private bool _isInTarget;
    private ulong _packets;

    // The numbers of the names that most rules have.
    private int _tcp;
    private int _udp;

    /// <summary>Reads what follows the chain.</summary>
    /// <param name="rule">The record to fill.</param>
    /// <param name="index">Its number in the store.</param>
    /// <param name="cursor">Where to begin; afterwards at the line's end, which is a line feed, a carriage return before one, or the text's end.</param>
    /// <returns>False when it cannot be read; the error is noted.</returns>
    public bool Read(ref RuleRecord rule, int index, ref int cursor)
    {
        if (_chunkCount >= RuleStore.WordsInChunk)
            (_chunk, _chunkCount) = ([], 0);
        _ruleWords = _chunkCount;
        _lastOption = -1;
        _isNegated = _isInTarget = false;
        int bang = 0;
        while (NextWord(ref cursor, out int start, out int length, out bool quoted))
        {
            if (length < 0)
                return false;
            char first = _text[start];
            if (first != '-' || length == 1)
            {
                if (length == 1 && first == '!' && !_isNegated)
                    (_isNegated, bang) = (true, start);
                else if (!ReadLooseValue(start, length, quoted))
                    return false;
            }
            else if (_lastOption == _chunkCount - 1 && _lastOption >= 0 && !_isNegated && TakesAnyWord(start))
            {
                Append(start, length, WordRole.Value, quoted, false);
            }
            else if (length == 2 && HasValue(_text[start + 1]))
            {
                if (!ReadValueOf(ref rule, index, _text[start + 1], start, ref cursor))
                    return false;
            }
            else
            {
                char letter = OptionLetter(ref rule, index, start, length, quoted, out bool read);
                if (!read || letter != '\0' && !ReadValueOf(ref rule, index, letter, start, ref cursor))
                    return false;
            }
        }

        if (_isNegated)
            return Refuse(Messages.UnexpectedWord, bang, 1);
        if (cursor - rule.Start > Word.MaximumLength)
            return Refuse(Messages.LineTooLong, rule.Start, RulesetError.MaximumWordLength);
        rule.Length = cursor - rule.Start;
        rule.WordCount = _chunkCount - _ruleWords;
        rule.FirstWord = rule.WordCount == 0 ? 0 : store.WordNumber(_ruleWords);
        return true;
    }

    /// <summary>The next word of the line, quotes and all.</summary>
    /// <returns>False at the line's end. A word whose quotes are not closed is noted as an error and has a negative length.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool NextWord(ref int cursor, out int start, out int length, out bool quoted)
    {
        string text = _text;
        int i = cursor;
        quoted = false;
        while ((uint)i < (uint)text.Length && text[i] <= ' ')
        {
            if (text[i] is not (' ' or '\t'))
            {
                if (text[i] == '\n' || IsLineEnd(i))
                    break;
                // Any other control character is a letter like others.
                goto word;
            }

            i++;
        }

        if ((uint)i >= (uint)text.Length || text[i] <= ' ')
        {
            start = cursor = i;
            length = 0;
            return false;
        }

    word:
        start = i;
        int end = Boundary(i);
        if ((uint)end < (uint)text.Length && text[end] is not (' ' or '\n'))
        {
            end = EndOfOddWord(start, end, out quoted);
            if (end < 0)
            {
                cursor = EndOfLine(start);
                length = -1;
                return true;
            }
        }

        cursor = end;
        length = end - start;
        return true;
    }

    /// <summary>The end of the line that holds this place: a line feed, a carriage return before one, or the text's end.</summary>
    public int EndOfLine(int position)
    {
        int length = _text.AsSpan(position).IndexOf('\n');
        int end = length < 0 ? _text.Length : position + length;
        return end > position && _text[end - 1] == '\r' ? end - 1 : end;
    }

    /// <summary>Reads <c>packets bytes</c> or <c>packets,bytes</c>.</summary>
    public bool TryReadCounters(ref int cursor, out ulong packets, out ulong bytes)
    {
        packets = bytes = 0;
        if (!NextWord(ref cursor, out int start, out int length, out _) || length <= 0)
            return false;
        ReadOnlySpan<char> word = _text.AsSpan(start, length);
        int comma = word.IndexOf(',');
        if (comma >= 0)
            return TryParseCounter(word[..comma], out packets) && TryParseCounter(word[(comma + 1)..], out bytes);
        return TryParseCounter(word, out packets)
            && NextWord(ref cursor, out start, out length, out _) && length > 0 && TryParseCounter(_text.AsSpan(start, length), out bytes);
    }

    /// <summary>The first blank, control character or double quote at or after a place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Boundary(int start)
    {
        ReadOnlySpan<char> text = _text;
        ref ushort first = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(text));
        int i = start;
        for (; i <= text.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256<ushort> letters = Vector256.LoadUnsafe(ref first, (nuint)i);
            Vector256<ushort> found = Vector256.Equals(Vector256.Min(letters, Vector256.Create((ushort)' ')), letters)
                | Vector256.Equals(letters, Vector256.Create((ushort)'"'));
            uint bits = found.AsByte().ExtractMostSignificantBits();
            if (bits != 0)
                return i + (BitOperations.TrailingZeroCount(bits) >> 1);
        }

        while (i < text.Length && text[i] > ' ' && text[i] != '"')
            i++;
        return i;
    }

    /// <summary>The end of a word with quotes or control characters in it; -1 when its quotes are not closed, which is noted.</summary>
    private int EndOfOddWord(int start, int i, out bool quoted)
    {
        ReadOnlySpan<char> text = _text;
        quoted = false;
        while (i < text.Length)
        {
            char c = text[i];
            if (c == '"')
            {
                quoted = true;
                i = EndOfQuotes(i + 1);
                if (i < 0)
                {
                    errors.Report(Messages.QuoteNotClosed, start, EndOfLine(start) - start);
                    return -1;
                }
            }
            else if (c is ' ' or '\t' or '\n' || c == '\r' && IsLineEnd(i))
            {
                break;
            }
            else
            {
                i++;
            }
        }

        return i;
    }

    private int EndOfQuotes(int i)
    {
        ReadOnlySpan<char> text = _text;
        while (true)
        {
            int length = text[i..].IndexOfAny('"', '\\', '\n');
            if (length < 0)
                return -1;
            i += length;
            if (text[i] == '"')
                return i + 1;
            if (text[i] == '\n' || i + 1 >= text.Length || text[i + 1] == '\n')
                return -1;
            i += 2;
        }
    }

    private bool IsLineEnd(int i) => _text[i] == '\r' && (i + 1 == _text.Length || _text[i + 1] == '\n');

    private int WordLength(int start) => Boundary(start) - start;

    /// <summary>
    /// A value of an option. A "!" between an option and its value is how iptables before 1.4.3 wrote a negation.
    /// </summary>
    private bool ReadLooseValue(int start, int length, bool quoted)
    {
        if (_lastOption < 0 || _isNegated && _lastOption != _chunkCount - 1)
            return Refuse(Messages.UnexpectedWord, start, length);
        if (_isNegated)
        {
            Word option = _chunk[_lastOption];
            _chunk[_lastOption] = new Word(option.Start, option.Length, option.Role, option.IsQuoted, true, option.HasAttachedValue);
            _isNegated = false;
        }

        Append(start, length, WordRole.Value, quoted, false);
        return true;
    }

    /// <summary>Whether the last option, which has no value yet, takes this word, dash and all.</summary>
    private bool TakesAnyWord(int start)
    {
        Word option = _chunk[_lastOption];
        return char.IsAsciiDigit(_text[start + 1]) || OptionNames.TakesFreeText(_text.AsSpan(option.Start, option.Length));
    }

    /// <summary>Whether an option of every rule has a value, by its letter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasValue(char letter) => (uint)(letter - 'c') <= 's' - 'c' && (ValueLetters >> (letter - 'c') & 1) != 0;

    /// <summary>Reads the value of an option of every rule from the words that follow it.</summary>
    private bool ReadValueOf(ref RuleRecord rule, int index, char letter, int option, ref int cursor)
    {
        _lastOption = -1;
        while (NextWord(ref cursor, out int start, out int length, out bool quoted))
        {
            if (length < 0)
                return false;
            // Before iptables 1.4.3 a negation stood here.
            if (length == 1 && _text[start] == '!' && !_isNegated && letter is 's' or 'd' or 'p' or 'i' or 'o')
            {
                _isNegated = true;
                continue;
            }

            if (!ReadValue(ref rule, index, letter, start, length, quoted))
                return false;
            // Packets and bytes are one word or two.
            if (letter != 'c' || _text.AsSpan(start, length).Contains(','))
                return true;
            letter = 'C';
        }

        return Refuse(Messages.ValueMissing, option, WordLength(option));
    }

    /// <summary>Takes an option in: at once when it needs no value or has it attached, or by the letter that waits for one.</summary>
    private char OptionLetter(ref RuleRecord rule, int index, int start, int length, bool quoted, out bool read)
    {
        read = true;
        if (_text[start + 1] != '-' || length == 2)
        {
            read = ReadShortOption(ref rule, index, start, length);
            return '\0';
        }

        ReadOnlySpan<char> name = _text.AsSpan(start, length);
        char known = LetterOf(name);
        // The policy match has an option of that name; for iptables it is short for --protocol.
        if (known == 'p' && name is "--proto" && HasMatch("policy"))
            known = '\0';
        int equals = known == '\0' ? name.IndexOf('=') : -1;
        if (equals > 0 && (known = LetterOf(name[..equals])) != '\0')
        {
            _lastOption = -1;
            read = ReadValue(ref rule, index, known, start + equals + 1, length - equals - 1, quoted);
            return '\0';
        }

        if (known == '\0')
        {
            Append(start, length, _isInTarget ? WordRole.TargetOption : WordRole.MatchOption, quoted, _isNegated, equals > 0);
            _lastOption = _chunkCount - 1;
            _isNegated = false;
            return '\0';
        }

        _lastOption = -1;
        if (known is not ('f' or '4'))
            return known;
        ReadFlag(ref rule, known);
        return '\0';
    }

    private bool HasMatch(ReadOnlySpan<char> match)
    {
        for (int i = _ruleWords; i < _chunkCount; i++)
        {
            if (_chunk[i].Role == WordRole.Match && _text.AsSpan(_chunk[i].Start, _chunk[i].Length).SequenceEqual(match))
                return true;
        }

        return false;
    }

    /// <summary><c>-f</c>, <c>-4</c>, <c>-6</c>, and letters with the value attached: <c>-jACCEPT</c>.</summary>
    private bool ReadShortOption(ref RuleRecord rule, int index, int start, int length)
    {
        char letter = _text[start + 1];
        _lastOption = -1;
        if (length == 2 && letter is 'f' or '4' or '6')
        {
            ReadFlag(ref rule, letter);
            return true;
        }

        return length > 2 && letter is 's' or 'd' or 'p' or 'i' or 'o' or 'j' or 'g' or 'm'
            ? ReadValue(ref rule, index, letter, start + 2, length - 2, false)
            : Refuse(Messages.UnexpectedWord, start, length);
    }

    private void ReadFlag(ref RuleRecord rule, char letter)
    {
        if (letter == 'f')
            rule.Traits |= _isNegated ? RuleTraits.HeadFragments : RuleTraits.FurtherFragments;
        _isNegated = false;
    }

    /// <summary>The short form of the options that every rule can have.</summary>
    private static char LetterOf(ReadOnlySpan<char> name) => name switch
    {
        "--source" or "--src" => 's',
        "--destination" or "--dst" => 'd',
        "--protocol" or "--proto" => 'p',
        "--in-interface" => 'i',
        "--out-interface" => 'o',
        "--jump" => 'j',
        "--goto" => 'g',
        "--match" => 'm',
        "--set-counters" => 'c',
        "--fragment" or "--fragments" => 'f',
        "--ipv4" or "--ipv6" => '4',
        _ => '\0',
    };

    private bool ReadValue(ref RuleRecord rule, int index, char letter, int start, int length, bool quoted)
    {
        ReadOnlySpan<char> value = quoted ? RuleText.Unquote(_text.AsSpan(start, length)) : _text.AsSpan(start, length);
        bool negated = _isNegated;
        _isNegated = false;
        if (value.IsEmpty || negated && letter is 'm' or 'j' or 'g' or 'c' || IsGiven(in rule, letter))
            return Refuse(Messages.UnexpectedWord, start, length);
        switch (letter)
        {
            case 's':
                if (AddressPrefix.TryParseIPv4(value, out rule.SourceAddress, out rule.SourceMask))
                    rule.Traits |= RuleTraits.HasSource | (negated ? RuleTraits.SourceNegated : 0);
                else if (AddressPrefix.TryParse(value, negated, out AddressPrefix? source))
                    store.SetSource(ref rule, source);
                else
                    return Refuse(Messages.UnexpectedWord, start, length);
                return true;
            case 'd':
                if (AddressPrefix.TryParseIPv4(value, out rule.DestinationAddress, out rule.DestinationMask))
                    rule.Traits |= RuleTraits.HasDestination | (negated ? RuleTraits.DestinationNegated : 0);
                else if (AddressPrefix.TryParse(value, negated, out AddressPrefix? destination))
                    store.SetDestination(ref rule, destination);
                else
                    return Refuse(Messages.UnexpectedWord, start, length);
                return true;
            case 'i':
                rule.In = store.InterfaceNumber(value, negated);
                return true;
            case 'o':
                rule.Out = store.InterfaceNumber(value, negated);
                return true;
            case 'p':
                rule.Protocol = ProtocolNumber(value);
                if (negated)
                    rule.Traits |= RuleTraits.ProtocolNegated;
                return true;
            case 'm':
                Append(start, length, WordRole.Match, quoted, false);
                _isInTarget = false;
                return true;
            case 'j' or 'g':
                rule.Target = store.Names.NumberOf(value) + 1;
                if (letter == 'g')
                    rule.Traits |= RuleTraits.Goto;
                _isInTarget = true;
                return true;
            default:
                return ReadCounter(index, letter, value) || Refuse(Messages.UnexpectedWord, start, length);
        }
    }

    /// <summary>Whether the rule has this option already: iptables takes each once.</summary>
    private static bool IsGiven(in RuleRecord rule, char letter) => letter switch
    {
        's' => (rule.Traits & RuleTraits.HasSource) != 0,
        'd' => (rule.Traits & RuleTraits.HasDestination) != 0,
        'p' => rule.Protocol != 0,
        'i' => rule.In != 0,
        'o' => rule.Out != 0,
        'j' or 'g' => rule.Target != 0,
        _ => false,
    };

    private int ProtocolNumber(ReadOnlySpan<char> value)
    {
        if (value is "tcp")
            return _tcp != 0 ? _tcp : _tcp = store.Names.NumberOf(value) + 1;
        if (value is "udp")
            return _udp != 0 ? _udp : _udp = store.Names.NumberOf(value) + 1;
        return store.Names.NumberOf(Protocols.NameOf(value) ?? value) + 1;
    }

    private bool ReadCounter(int index, char letter, ReadOnlySpan<char> value)
    {
        ulong bytes;
        int comma = value.IndexOf(',');
        if (letter == 'c' && comma < 0)
            return TryParseCounter(value, out _packets);
        bool read = letter == 'c'
            ? TryParseCounter(value[..comma], out _packets) & TryParseCounter(value[(comma + 1)..], out bytes)
            : TryParseCounter(value, out bytes);
        if (read)
            store.SetCounters(index, _packets, bytes, false);
        return read;
    }

    private static bool TryParseCounter(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private bool Refuse(string message, int start, int length)
    {
        errors.Report(message, start, length);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append(int start, int length, WordRole role, bool quoted, bool negated, bool attached = false)
    {
        if (_chunkCount == _chunk.Length)
            GrowChunk(start);
        _chunk[_chunkCount++] = new Word(start, length, role, quoted, negated, attached);
    }

    private void GrowChunk(int position)
    {
        int before = _ruleWords;
        store.GrowWords(ref _chunk, ref _ruleWords, ref _chunkCount, position);
        if (_lastOption >= 0)
            _lastOption -= before;
    }
}
