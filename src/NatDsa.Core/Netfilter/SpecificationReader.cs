using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>A word of a line: where it is in the text, quotes and all.</summary>
internal readonly record struct LineWord(int Start, int Length);

/// <summary>
/// Reads the words of a rule that is written as a command: conditions, matches, target. Each word is found once, looked at once, and kept as a
/// place in the text.
/// </summary>
/// <remarks>The grammar is iptables-restore's. Sources: iptables(8), iptables-restore(8), iptables-extensions(8).</remarks>
internal sealed class SpecificationReader(RuleStore store, LineWords lineWords, SyntaxErrors errors)
{
    // The options that every rule can have, each the bit of its letter.
    private const uint Source = 1u << ('s' & 31), Destination = 1u << ('d' & 31), Protocol = 1u << ('p' & 31), In = 1u << ('i' & 31), Out = 1u << ('o' & 31);
    private const uint Jump = 1u << ('j' & 31), Goto = 1u << ('g' & 31), Match = 1u << ('m' & 31), Counters = 1u << ('c' & 31);
    private const uint Target = Jump | Goto;
    private const uint Negatable = Source | Destination | Protocol | In | Out;
    private const uint WithValue = Negatable | Target | Match | Counters;

    // In a letter's place: an option that not every rule can have.
    private const char Unknown = '-';

    private readonly string _text = store.Text;

    // The values of such options in the line that is being read, by their letters.
    private Values _values;

    // The numbers of the names that most rules have.
    private int _tcp;
    private int _udp;

    /// <summary>Reads what follows the chain.</summary>
    /// <param name="rule">The record to fill.</param>
    /// <param name="index">Its number in the store.</param>
    /// <param name="ends">Where the words are: the place before the first, and the end of each.</param>
    /// <returns>False when it cannot be read; the error is noted.</returns>
    /// <remarks>
    /// The loop tells what each word is; the values of the options that every rule can have are taken in behind it. So a word that cannot stand where it
    /// is is told before a value that cannot be read.
    /// </remarks>
    public bool Read(ref RuleRecord rule, int index, ReadOnlySpan<int> ends)
    {
        string text = _text;
        Span<Word> kept = store.RoomForWords(ends.Length - 1, ends[0]);
        int count = 0;
        // The place of the last option, while it takes values; -1: it is none that is kept.
        int option = -1;
        uint given = 0, negated = 0;
        // What the next option is that is kept: of a match or of the target, and whether it is negated.
        uint marks = Word.MarksOf(WordRole.MatchOption), allMarks = 0;
        int next = ends[0] + 1;
        for (int i = 1; i < ends.Length; i++)
        {
            int start = next, length = ends[i] - next;
            next = ends[i] + 1;
            if (length <= 1 || text[start] != '-' || option == count - 1 && option >= 0 && TakesAnyWord(kept[option], marks, start))
            {
                if (length == 0)
                    continue;
                if (length == 1 && text[start] == '!' && (marks & Word.Negation) == 0)
                {
                    marks |= Word.Negation;
                    continue;
                }

                if (option < 0)
                    return Refuse(start, length);
                // A "!" between an option and its value is how iptables before 1.4.3 wrote a negation.
                if ((marks & Word.Negation) != 0)
                {
                    if (option != count - 1)
                        return Refuse(start, length);
                    kept[option] = kept[option].Negated();
                    marks &= ~Word.Negation;
                }

                kept[count++] = new Word(start, length, Word.MarksOf(WordRole.Value));
                continue;
            }

            char letter = text[start + 1];
            // Where the option's value begins when it is in the same word; else 0.
            int attached = 0;
            if (length > 2)
            {
                letter = LetterOf(start, length, kept[..count], out attached);
                if (letter == Unknown)
                {
                    kept[count] = new Word(start, length, attached > 0 ? marks | Word.AttachedValue : marks);
                    option = count++;
                    allMarks |= marks;
                    marks &= ~Word.Negation;
                    continue;
                }
            }

            option = -1;
            uint bit = (uint)(letter - 'a') < 26 ? 1u << letter : 0;
            if ((bit & WithValue) == 0)
            {
                if (attached > 0 || letter is not ('f' or '4' or '6'))
                    return Refuse(start, length);
                if (letter == 'f')
                    rule.Traits |= (marks & Word.Negation) != 0 ? RuleTraits.HeadFragments : RuleTraits.FurtherFragments;
                marks &= ~Word.Negation;
                continue;
            }

            if (attached > 0)
            {
                length -= attached - start;
                start = attached;
            }
            else
            {
                if (++i >= ends.Length)
                    return RefuseLast(Messages.ValueMissing, ends);
                start = next;
                length = ends[i] - next;
                next = ends[i] + 1;
                while (length <= 1 && (length == 0 || text[start] == '!' && (marks & Word.Negation) == 0 && (bit & Negatable) != 0))
                {
                    // Before iptables 1.4.3 a negation stood here.
                    if (length == 1)
                        marks |= Word.Negation;
                    if (++i >= ends.Length)
                        return RefuseLast(Messages.ValueMissing, ends);
                    start = next;
                    length = ends[i] - next;
                    next = ends[i] + 1;
                }
            }

            if (length == 0)
                return Refuse(start, length);
            if ((bit & Negatable) == 0)
            {
                if ((marks & Word.Negation) != 0 || (bit & Target) != 0 && (given & Target) != 0)
                    return Refuse(start, length);
                if (bit == Match)
                {
                    int name = store.Names.NumberOf(text.AsSpan(start, length));
                    if (name > Word.MaximumLength || IsEmpty(new LineWord(start, length)))
                        return Refuse(start, length);
                    kept[count++] = Word.Match(start, name);
                    marks = Word.MarksOf(WordRole.MatchOption);
                    continue;
                }

                if (bit == Counters)
                {
                    i = ReadCounters(index, ends, i, start, length);
                    if (i < 0)
                        return false;
                    next = ends[i] + 1;
                    continue;
                }

                marks = Word.MarksOf(WordRole.TargetOption);
            }

            if ((given & bit) != 0)
                return Refuse(start, length);
            given |= bit;
            if ((marks & Word.Negation) != 0)
                negated |= bit;
            marks &= ~Word.Negation;
            _values[letter & 31] = new LineWord(start, length);
        }

        if ((marks & Word.Negation) != 0)
            return RefuseLast(Messages.UnexpectedWord, ends);
        if ((allMarks & Word.MarksOf(WordRole.TargetOption)) == Word.MarksOf(WordRole.TargetOption))
            rule.Traits |= RuleTraits.HasTargetOptions;
        if (!TakeIn(ref rule, given, negated))
            return false;
        rule.WordCount = count;
        rule.FirstWord = count == 0 ? 0 : store.KeepWords(count);
        return true;
    }

    /// <summary>Takes in the values of the options that every rule can have.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeIn(ref RuleRecord rule, uint given, uint negated)
    {
        if ((given & Source) != 0 && !TrySetSource(ref rule, _values['s' & 31], (negated & Source) != 0))
            return Refuse(_values['s' & 31].Start, _values['s' & 31].Length);
        if ((given & Destination) != 0 && !TrySetDestination(ref rule, _values['d' & 31], (negated & Destination) != 0))
            return Refuse(_values['d' & 31].Start, _values['d' & 31].Length);
        if (lineWords.CanHaveQuotes && !AreNamed(given & ~(Source | Destination)))
            return false;
        if ((given & In) != 0)
            rule.In = store.InterfaceNumber(Unquoted(_values['i' & 31]), (negated & In) != 0);
        if ((given & Out) != 0)
            rule.Out = store.InterfaceNumber(Unquoted(_values['o' & 31]), (negated & Out) != 0);
        if ((given & Protocol) != 0)
            rule.Protocol = ProtocolNumber(Unquoted(_values['p' & 31]));
        if ((negated & Protocol) != 0)
            rule.Traits |= RuleTraits.ProtocolNegated;
        if ((given & Target) != 0)
            rule.Target = store.Names.NumberOf(Unquoted(_values[(given & Jump) != 0 ? 'j' & 31 : 'g' & 31])) + 1;
        if ((given & Goto) != 0)
            rule.Traits |= RuleTraits.Goto;
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

    /// <summary>Whether a word is a pair of quotes, and nothing in it.</summary>
    private bool IsEmpty(LineWord word) => lineWords.CanHaveQuotesIn(word.Start, word.Length) && Unquoted(word).IsEmpty;

    /// <summary>Whether none of the values is empty; one that is is noted.</summary>
    private bool AreNamed(uint given)
    {
        for (; given != 0; given &= given - 1)
        {
            LineWord value = _values[BitOperations.TrailingZeroCount(given)];
            if (IsEmpty(value))
                return Refuse(value.Start, value.Length);
        }

        return true;
    }

    /// <summary>Whether an option, which has no value yet, takes this word, dash and all.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakesAnyWord(Word option, uint marks, int start) =>
        (marks & Word.Negation) == 0 && (char.IsAsciiDigit(_text[start + 1]) || OptionNames.TakesFreeText(_text.AsSpan(option.Start, option.Length)));

    /// <summary>
    /// The letter of an option that is written as more than a dash and a letter; <see cref="Unknown"/> for one of a match or a target.
    /// </summary>
    /// <param name="start">Where it is.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="before">The words before it.</param>
    /// <param name="attached">Where its value begins when it is in the same word; else 0.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private char LetterOf(int start, int length, ReadOnlySpan<Word> before, out int attached)
    {
        ReadOnlySpan<char> name = _text.AsSpan(start, length);
        attached = 0;
        if (name[1] != '-')
        {
            attached = start + 2;
            // Counters have two words.
            return name[1] == 'c' ? '\0' : name[1];
        }

        char letter = LetterOf(name);
        // The policy match has an option of that name; for iptables it is short for --protocol.
        if (letter == 'p' && name is "--proto" && HasMatch(before, "policy"))
            return Unknown;
        if (letter == Unknown && name.IndexOf('=') is var equals and > 0)
        {
            attached = start + equals + 1;
            letter = LetterOf(name[..equals]);
        }

        return letter;
    }

    private bool HasMatch(ReadOnlySpan<Word> words, ReadOnlySpan<char> match)
    {
        foreach (Word word in words)
        {
            if (word.Role == WordRole.Match && match.SequenceEqual(store.Names[word.MatchName]))
                return true;
        }

        return false;
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
        _ => Unknown,
    };

    private bool TrySetSource(ref RuleRecord rule, LineWord word, bool negated)
    {
        if (AddressPrefix.TryParseIPv4(_text, word.Start, word.Length, out rule.SourceAddress, out rule.SourceMask))
            rule.Traits |= negated ? RuleTraits.HasSource | RuleTraits.SourceNegated : RuleTraits.HasSource;
        else if (AddressPrefix.TryParse(Unquoted(word), negated, out AddressPrefix? source))
            store.SetSource(ref rule, source);
        else
            return false;
        return true;
    }

    private bool TrySetDestination(ref RuleRecord rule, LineWord word, bool negated)
    {
        if (AddressPrefix.TryParseIPv4(_text, word.Start, word.Length, out rule.DestinationAddress, out rule.DestinationMask))
            rule.Traits |= negated ? RuleTraits.HasDestination | RuleTraits.DestinationNegated : RuleTraits.HasDestination;
        else if (AddressPrefix.TryParse(Unquoted(word), negated, out AddressPrefix? destination))
            store.SetDestination(ref rule, destination);
        else
            return false;
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

    /// <summary>Takes counters in: packets and bytes from two words, or from one with a comma.</summary>
    /// <param name="index">The rule's number in the store.</param>
    /// <param name="ends">The line's words.</param>
    /// <param name="word">Which of them the first is, or the option that it is attached to.</param>
    /// <param name="start">Where the first value begins.</param>
    /// <param name="length">How long it is.</param>
    /// <returns>Which word was the last of them; -1 when they cannot be read, which is noted.</returns>
    private int ReadCounters(int index, ReadOnlySpan<int> ends, int word, int start, int length)
    {
        ReadOnlySpan<char> value = Unquoted(new LineWord(start, length));
        int comma = value.IndexOf(',');
        if (comma >= 0)
        {
            if (TryParseCounter(value[..comma], out ulong packets) && TryParseCounter(value[(comma + 1)..], out ulong bytes))
            {
                store.SetCounters(index, packets, bytes, false);
                return word;
            }
        }
        else if (start == ends[word - 1] + 1 && TryParseCounter(value, out ulong packets))
        {
            ReadOnlySpan<int> before = ends[..word];
            do
            {
                if (++word >= ends.Length)
                {
                    RefuseLast(Messages.ValueMissing, before);
                    return -1;
                }
            }
            while (ends[word] == ends[word - 1] + 1);
            (start, length) = (ends[word - 1] + 1, ends[word] - ends[word - 1] - 1);
            if (TryParseCounter(Unquoted(new LineWord(start, length)), out ulong bytes))
            {
                store.SetCounters(index, packets, bytes, false);
                return word;
            }
        }

        Refuse(start, length);
        return -1;
    }

    private static bool TryParseCounter(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private bool Refuse(int start, int length) => Refuse(Messages.UnexpectedWord, start, length);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Refuse(string message, int start, int length)
    {
        errors.Report(message, start, length);
        return false;
    }

    private bool RefuseLast(string message, ReadOnlySpan<int> ends)
    {
        int last = ends.Length - 1;
        while (ends[last] == ends[last - 1] + 1)
            last--;
        return Refuse(message, ends[last - 1] + 1, ends[last] - ends[last - 1] - 1);
    }

    private ReadOnlySpan<char> Slice(LineWord word) => _text.AsSpan(word.Start, word.Length);

    private ReadOnlySpan<char> Unquoted(LineWord word)
    {
        ReadOnlySpan<char> letters = Slice(word);
        return lineWords.CanHaveQuotesIn(word.Start, word.Length) && letters.Contains('"') ? RuleText.Unquote(letters) : letters;
    }

    [InlineArray(32)]
    private struct Values
    {
        private LineWord _first;
    }
}
