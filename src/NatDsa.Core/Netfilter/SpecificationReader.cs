using System.Globalization;
using System.Runtime.CompilerServices;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// Reads the words of a rule that is written as a command: conditions, matches, target. Each word is found once, looked at once, and kept as a
/// place in the text.
/// </summary>
/// <remarks>The grammar is iptables-restore's. Sources: iptables(8), iptables-restore(8), iptables-extensions(8).</remarks>
internal sealed class SpecificationReader(RuleStore store, LineWords lineWords, SyntaxErrors errors)
{
    // c d g i j m o p s, by their distance from c.
    private const int ValueLetters = 1 | 1 << 1 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 16;

    private readonly string _text = store.Text;

    // The newest chunk of the store's words.
    private Word[] _chunk = [];
    private int _chunkCount;
    private int _ruleWords;

    // The rule that is being read, and its last option that is a word of the store; -1: the last option is none.
    private int _rule;
    private int _lastOption;
    private bool _isNegated;
    private bool _isInTarget;

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
        (_rule, _ruleWords, _lastOption) = (index, _chunkCount, -1);
        _isNegated = _isInTarget = false;
        if (!lineWords.TryReadToEnd(ref cursor, out ReadOnlySpan<LineWord> words))
            return false;
        LineWord bang = default;
        for (int i = 0; i < words.Length; i++)
        {
            LineWord word = words[i];
            char first = _text[word.Start];
            if (first != '-' || word.Length == 1)
            {
                if (word.Length == 1 && first == '!' && !_isNegated)
                    (_isNegated, bang) = (true, word);
                else if (!ReadLooseValue(word))
                    return false;
            }
            else if (_lastOption == _chunkCount - 1 && _lastOption >= 0 && !_isNegated && TakesAnyWord(word))
            {
                Append(word, WordRole.Value, false);
            }
            else
            {
                char letter = _text[word.Start + 1];
                if (word.Length != 2 || !HasValue(letter))
                {
                    letter = OptionLetter(ref rule, word, out bool read);
                    if (!read)
                        return false;
                    if (letter == '\0')
                        continue;
                }

                if (!ReadValueOf(ref rule, letter, words, ref i))
                    return false;
            }
        }

        if (_isNegated)
            return Refuse(Messages.UnexpectedWord, bang);
        if (cursor - rule.Start > Word.MaximumLength)
            return Refuse(Messages.LineTooLong, new LineWord(rule.Start, RulesetError.MaximumWordLength, false));
        rule.Length = cursor - rule.Start;
        rule.WordCount = _chunkCount - _ruleWords;
        rule.FirstWord = rule.WordCount == 0 ? 0 : store.WordNumber(_ruleWords);
        return true;
    }

    /// <summary>Reads <c>packets bytes</c> or <c>packets,bytes</c>.</summary>
    public bool TryReadCounters(ref int cursor, out ulong packets, out ulong bytes)
    {
        packets = bytes = 0;
        if (!lineWords.TryRead(ref cursor, out int start, out int length))
            return false;
        ReadOnlySpan<char> word = _text.AsSpan(start, length);
        int comma = word.IndexOf(',');
        if (comma >= 0)
            return TryParseCounter(word[..comma], out packets) && TryParseCounter(word[(comma + 1)..], out bytes);
        return TryParseCounter(word, out packets)
            && lineWords.TryRead(ref cursor, out start, out length) && TryParseCounter(_text.AsSpan(start, length), out bytes);
    }

    /// <summary>
    /// A value of an option. A "!" between an option and its value is how iptables before 1.4.3 wrote a negation.
    /// </summary>
    private bool ReadLooseValue(LineWord word)
    {
        if (_lastOption < 0 || _isNegated && _lastOption != _chunkCount - 1)
            return Refuse(Messages.UnexpectedWord, word);
        if (_isNegated)
        {
            Word option = _chunk[_lastOption];
            _chunk[_lastOption] = new Word(option.Start, option.Length, option.Role, true, option.HasAttachedValue);
            _isNegated = false;
        }

        Append(word, WordRole.Value, false);
        return true;
    }

    /// <summary>Whether the last option, which has no value yet, takes this word, dash and all.</summary>
    private bool TakesAnyWord(LineWord word)
    {
        Word option = _chunk[_lastOption];
        return char.IsAsciiDigit(_text[word.Start + 1]) || OptionNames.TakesFreeText(_text.AsSpan(option.Start, option.Length));
    }

    /// <summary>Whether an option of every rule has a value, by its letter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasValue(char letter) => (uint)(letter - 'c') <= 's' - 'c' && (ValueLetters >> (letter - 'c') & 1) != 0;

    /// <summary>Reads the value of an option of every rule from the words that follow it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool ReadValueOf(ref RuleRecord rule, char letter, ReadOnlySpan<LineWord> words, ref int index)
    {
        _lastOption = -1;
        // Before iptables 1.4.3 a negation stood here.
        if (index + 1 < words.Length && words[index + 1].Length == 1 && !_isNegated && IsBang(words[index + 1]) && letter is 's' or 'd' or 'p' or 'i' or 'o')
        {
            _isNegated = true;
            index++;
        }

        if (++index >= words.Length)
            return Refuse(Messages.ValueMissing, words[^1]);
        return letter == 'c' ? ReadCounters(ref rule, words, ref index) : ReadValue(ref rule, letter, words[index]);
    }

    /// <summary>Takes an option in: at once when it needs no value or has it attached, or by the letter that waits for one.</summary>
    private char OptionLetter(ref RuleRecord rule, LineWord word, out bool read)
    {
        read = true;
        ReadOnlySpan<char> name = Slice(word);
        if (name[1] != '-' || name.Length == 2)
        {
            read = ReadShortOption(ref rule, word);
            return '\0';
        }

        char known = LetterOf(name);
        // The policy match has an option of that name; for iptables it is short for --protocol.
        if (known == 'p' && name is "--proto" && HasMatch("policy"))
            known = '\0';
        int equals = known == '\0' ? name.IndexOf('=') : -1;
        if (equals > 0 && (known = LetterOf(name[..equals])) != '\0')
        {
            _lastOption = -1;
            read = ReadValue(ref rule, known, new LineWord(word.Start + equals + 1, word.Length - equals - 1, word.IsQuoted));
            return '\0';
        }

        if (known == '\0')
        {
            if (_isInTarget)
                rule.Traits |= RuleTraits.HasTargetOptions;
            Append(word, _isInTarget ? WordRole.TargetOption : WordRole.MatchOption, _isNegated, equals > 0);
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
    private bool ReadShortOption(ref RuleRecord rule, LineWord word)
    {
        char letter = _text[word.Start + 1];
        _lastOption = -1;
        if (word.Length == 2 && letter is 'f' or '4' or '6')
        {
            ReadFlag(ref rule, letter);
            return true;
        }

        return word.Length > 2 && letter is 's' or 'd' or 'p' or 'i' or 'o' or 'j' or 'g' or 'm'
            ? ReadValue(ref rule, letter, new LineWord(word.Start + 2, word.Length - 2, false))
            : Refuse(Messages.UnexpectedWord, word);
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

    /// <summary>Takes the value of an option in. iptables takes each option once.</summary>
    private bool ReadValue(ref RuleRecord rule, char letter, LineWord word)
    {
        ReadOnlySpan<char> value = Unquoted(word);
        bool negated = _isNegated;
        _isNegated = false;
        bool read = !value.IsEmpty && letter switch
        {
            's' => (rule.Traits & RuleTraits.HasSource) == 0 && TrySetSource(ref rule, value, negated),
            'd' => (rule.Traits & RuleTraits.HasDestination) == 0 && TrySetDestination(ref rule, value, negated),
            'i' => rule.In == 0 && (rule.In = store.InterfaceNumber(value, negated)) != 0,
            'o' => rule.Out == 0 && (rule.Out = store.InterfaceNumber(value, negated)) != 0,
            'p' => rule.Protocol == 0 && SetProtocol(ref rule, value, negated),
            'm' => !negated && BeginMatch(word),
            'j' or 'g' => !negated && rule.Target == 0 && SetTarget(ref rule, value, letter == 'g'),
            _ => !negated && ReadCounters(value),
        };
        return read || Refuse(Messages.UnexpectedWord, word);
    }

    private bool TrySetSource(ref RuleRecord rule, ReadOnlySpan<char> value, bool negated)
    {
        if (AddressPrefix.TryParseIPv4(value, out rule.SourceAddress, out rule.SourceMask))
            rule.Traits |= RuleTraits.HasSource | (negated ? RuleTraits.SourceNegated : 0);
        else if (AddressPrefix.TryParse(value, negated, out AddressPrefix? source))
            store.SetSource(ref rule, source);
        else
            return false;
        return true;
    }

    private bool TrySetDestination(ref RuleRecord rule, ReadOnlySpan<char> value, bool negated)
    {
        if (AddressPrefix.TryParseIPv4(value, out rule.DestinationAddress, out rule.DestinationMask))
            rule.Traits |= RuleTraits.HasDestination | (negated ? RuleTraits.DestinationNegated : 0);
        else if (AddressPrefix.TryParse(value, negated, out AddressPrefix? destination))
            store.SetDestination(ref rule, destination);
        else
            return false;
        return true;
    }

    private bool SetProtocol(ref RuleRecord rule, ReadOnlySpan<char> value, bool negated)
    {
        rule.Protocol = ProtocolNumber(value);
        if (negated)
            rule.Traits |= RuleTraits.ProtocolNegated;
        return true;
    }

    private bool BeginMatch(LineWord name)
    {
        Append(name, WordRole.Match, false);
        _isInTarget = false;
        return true;
    }

    private bool SetTarget(ref RuleRecord rule, ReadOnlySpan<char> value, bool isGoto)
    {
        rule.Target = store.Names.NumberOf(value) + 1;
        if (isGoto)
            rule.Traits |= RuleTraits.Goto;
        _isInTarget = true;
        return true;
    }

    private int ProtocolNumber(ReadOnlySpan<char> value)
    {
        if (value is "tcp")
            return _tcp != 0 ? _tcp : _tcp = store.Names.NumberOf(value) + 1;
        if (value is "udp")
            return _udp != 0 ? _udp : _udp = store.Names.NumberOf(value) + 1;
        return store.Names.NumberOf(Protocols.NameOf(value) ?? value) + 1;
    }

    /// <summary>Reads packets and bytes from two words, or from one with a comma.</summary>
    private bool ReadCounters(ref RuleRecord rule, ReadOnlySpan<LineWord> words, ref int index)
    {
        LineWord word = words[index];
        if (_isNegated || !TryParseCounter(Unquoted(word), out ulong packets))
            return ReadValue(ref rule, 'c', word);
        if (++index >= words.Length)
            return Refuse(Messages.ValueMissing, words[index - 2]);
        return TryParseCounter(Unquoted(words[index]), out ulong bytes) ? SetCounters(packets, bytes) : Refuse(Messages.UnexpectedWord, words[index]);
    }

    // packets,bytes
    private bool ReadCounters(ReadOnlySpan<char> value)
    {
        int comma = value.IndexOf(',');
        return comma >= 0 && TryParseCounter(value[..comma], out ulong packets) && TryParseCounter(value[(comma + 1)..], out ulong bytes) && SetCounters(packets, bytes);
    }

    private bool SetCounters(ulong packets, ulong bytes)
    {
        store.SetCounters(_rule, packets, bytes, false);
        return true;
    }

    private static bool TryParseCounter(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private bool Refuse(string message, LineWord word)
    {
        errors.Report(message, word.Start, word.Length);
        return false;
    }

    private bool IsBang(LineWord word) => _text[word.Start] == '!';

    private ReadOnlySpan<char> Slice(LineWord word) => _text.AsSpan(word.Start, word.Length);

    private ReadOnlySpan<char> Unquoted(LineWord word) => word.IsQuoted ? RuleText.Unquote(Slice(word)) : Slice(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append(LineWord word, WordRole role, bool negated, bool attached = false)
    {
        if (_chunkCount == _chunk.Length)
            GrowChunk(word.Start);
        _chunk[_chunkCount++] = new Word(word.Start, word.Length, role, negated, attached);
    }

    private void GrowChunk(int position)
    {
        int before = _ruleWords;
        store.GrowWords(ref _chunk, ref _ruleWords, ref _chunkCount, position);
        if (_lastOption >= 0)
            _lastOption -= before;
    }
}
