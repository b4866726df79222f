using System.Buffers;
using System.Globalization;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// Reads what <c>iptables -L</c> prints with any of <c>-n -v -x --line-numbers</c>, one table or several, and the RHEL 5 and 6
/// init script's <c>status</c>, which is that under a line with each table's name.
/// </summary>
/// <remarks>
/// Only the layout counts, so that any locale is understood: a chain's line ends in parentheses; the number of words in the line
/// below tells the columns (5, and one more with line numbers, and four more with <c>-v</c>); a target is missing where its
/// column is blank; a table's name stands after a colon, above a chain's line. Source: the output of iptables 1.3 to 1.8.
/// </remarks>
internal sealed class ListingReader : IRuleReader
{
    private static readonly SearchValues<char> s_neverBeforeColon = SearchValues.Create("()[]{}\"\0");

    private readonly string _text;
    private readonly SyntaxErrors _errors;
    private readonly NetfilterFamily _family;
    private readonly RuleStore _store;
    private readonly bool _isRetyped;

    private int _position;
    private Table? _table;
    private Chain? _chain;
    private bool _blankBefore;
    private bool _anyBlank;
    private bool _headerDue;
    private Columns _columns;

    public ListingReader(string text, RulesetFormat format, RulesetReadMode mode, NetfilterFamily family)
    {
        _text = text;
        _family = family;
        Ruleset = new Ruleset(text, format) { DeclaredFamily = family };
        _store = Ruleset.Store;
        _errors = new SyntaxErrors(Ruleset, mode);
        _position = text is ['\uFEFF', ..] ? 1 : 0;
        _isRetyped = !HasPaddedLine(text);
    }

    public Ruleset Ruleset { get; }

    private bool IsStatus => Ruleset.Format == RulesetFormat.ServiceStatus;

    /// <summary>
    /// iptables pads every header to its columns. A text without any blank at a line's end went through an editor or a web page, which
    /// drop the last line's end, and an empty line there, too: their absence proves nothing then.
    /// </summary>
    private static bool HasPaddedLine(string text) => text.Contains(" \n", StringComparison.Ordinal) || text.Contains(" \r\n", StringComparison.Ordinal);

    public int ReadRule()
    {
        while (_position < _text.Length)
        {
            int start = _position;
            int length = _text.AsSpan(start).IndexOf('\n');
            bool cut = length < 0;
            if (cut)
                length = _text.Length - start;
            _position = cut ? _text.Length : start + length + 1;
            int end = start + length;
            if (end > start && _text[end - 1] == '\r')
                end--;
            if (cut && !_isRetyped && !_text.AsSpan(start, end - start).IsWhiteSpace())
                _errors.ReportEnd(Messages.TextCutOff);
            if (ReadLine(start, end) is int rule and >= 0)
                return rule;
        }

        Finish();
        return -1;
    }

    private int ReadLine(int start, int end)
    {
        ReadOnlySpan<char> line = _text.AsSpan(start, end - start);
        if (line.IsWhiteSpace())
        {
            if (_headerDue)
                ReportWord(start, end, Messages.HeaderMissing);
            _headerDue = false;
            _blankBefore = _anyBlank = true;
            return -1;
        }

        bool blankBefore = _blankBefore;
        _blankBefore = false;
        if (line[0] == '#')
            return -1;
        if (_headerDue)
        {
            _headerDue = false;
            _columns = Columns.Of(CountWords(line));
            if (_columns.IsKnown)
                return -1;
            _chain = null;
            ReportWord(start, end, Messages.HeaderMissing);
            return -1;
        }

        if (TryReadChain(line, start, blankBefore))
            return -1;
        if (IsStatus && (_chain is null || blankBefore) && TableNameIn(line) is { Length: > 0 } name)
        {
            BeginTable(_store.Names.Intern(name));
            return -1;
        }

        if (_chain is null || blankBefore)
        {
            ReportWord(start, end, Messages.UnexpectedWord);
            return -1;
        }

        return ReadRule(start, end);
    }

    /// <summary>The name in a line such as <c>Table: nat</c>, <c>テーブル: nat</c>, <c>Table : nat</c>; empty when it is none such.</summary>
    internal static ReadOnlySpan<char> TableNameIn(ReadOnlySpan<char> line)
    {
        int colon = line.LastIndexOfAny(':', '：');
        if (colon <= 0 || line[..colon].ContainsAny(s_neverBeforeColon))
            return default;
        ReadOnlySpan<char> name = line[(colon + 1)..].Trim();
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
                return default;
        }

        return name.Length <= 32 ? name : default;
    }

    /// <summary>Whether the line is a chain's: a word, a name, and something in parentheses up to its end.</summary>
    internal static bool IsChainLine(ReadOnlySpan<char> line) => TryFindChain(line.TrimEnd(), out _, out _);

    private static bool TryFindChain(ReadOnlySpan<char> line, out ReadOnlySpan<char> name, out ReadOnlySpan<char> inParentheses)
    {
        name = inParentheses = default;
        int space = line.IndexOf(' ');
        if (space <= 0 || line is not [.., ')'])
            return false;
        ReadOnlySpan<char> rest = line[(space + 1)..];
        int nameEnd = rest.IndexOf(' ');
        if (nameEnd <= 0 || nameEnd + 1 >= rest.Length || rest[nameEnd + 1] != '(')
            return false;
        name = rest[..nameEnd];
        inParentheses = rest[(nameEnd + 2)..^1];
        // (policy ACCEPT), (policy ACCEPT 12 packets, 3K bytes), (3 references)
        return CountWords(inParentheses) is 2 or 6;
    }

    private bool TryReadChain(ReadOnlySpan<char> line, int start, bool blankBefore)
    {
        if (!TryFindChain(line.TrimEnd(), out ReadOnlySpan<char> nameText, out ReadOnlySpan<char> facts))
            return false;
        string name = _store.Names.Intern(nameText);
        bool isUsers = char.IsAsciiDigit(facts[0]);
        ChooseTable(name, isUsers, blankBefore);
        if (_table!.Chains.Find(name) is not null)
        {
            _errors.Report(Messages.UnexpectedWord, start + line.IndexOf(' ') + 1, name.Length);
            _chain = null;
            return true;
        }

        _chain = _table.Chains.Add(name);
        _chain.Declaration = (start, line.Length);
        _headerDue = true;
        if (isUsers)
        {
            if (int.TryParse(facts[..facts.IndexOf(' ')], NumberStyles.None, CultureInfo.InvariantCulture, out int references))
                _chain.References = references;
            return true;
        }

        var words = new WordCursor(facts);
        words.Next();
        _chain.IsBuiltIn = true;
        _chain.PolicyText = _store.Names.Intern(words.Next());
        if (Counter.TryParse(words.Next(), out ulong packets, out _))
        {
            words.Next();
            if (Counter.TryParse(words.Next(), out ulong bytes, out _))
                _chain.SetCounters(packets, bytes);
        }

        return true;
    }

    /// <summary>
    /// Tells where a listing without table names goes over to the next table: iptables puts an empty line before every chain but a
    /// table's first. Where a text has lost its empty lines, a chain that cannot be in the table any more begins the next.
    /// </summary>
    private void ChooseTable(string chain, bool isUsers, bool blankBefore)
    {
        if (IsStatus)
        {
            if (_table is null)
                BeginTable("");
            return;
        }

        bool begins = _table is null
            || !isUsers && (_anyBlank ? !blankBefore : _table.Chains.Count > 0 && !_table.Chains[^1].IsBuiltIn)
            || _table.Chains.Find(chain) is not null;
        if (begins)
            BeginTable("");
    }

    private void BeginTable(string name)
    {
        _table = new Table(Ruleset, name, _family) { IsNameInferred = !IsStatus };
        Ruleset.Add(_table);
        _chain = null;
    }

    private int ReadRule(int start, int end)
    {
        ref RuleRecord record = ref _store.Add(out int index);
        (record.Start, record.Length) = (start, end - start);
        if (!ReadColumns(ref record, index, start, end))
        {
            _store.RemoveLast();
            return -1;
        }

        _chain!.Append(index);
        return index;
    }

    private bool ReadColumns(ref RuleRecord rule, int index, int start, int end)
    {
        ReadOnlySpan<char> line = _text.AsSpan(start, end - start);
        var words = new WordCursor(line);
        if (_columns.HasNumbers && !int.TryParse(words.Next(), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            return Refuse(start, words, Messages.UnexpectedWord);
        // "%-4u " and "%8s %10s " end with a blank that is the column's own.
        int targetColumn = _columns.HasNumbers ? Math.Max(words.Position, 4) + 1 : 0;
        if (_columns.IsVerbose)
        {
            if (!Counter.TryParse(words.Next(), out ulong packets, out bool packetsRounded))
                return Refuse(start, words, Messages.UnexpectedWord);
            if (!Counter.TryParse(words.Next(), out ulong bytes, out bool bytesRounded))
                return Refuse(start, words, Messages.UnexpectedWord);
            _store.SetCounters(index, packets, bytes, packetsRounded || bytesRounded);
            targetColumn = words.Position + 1;
        }

        if (targetColumn >= line.Length)
            return Refuse(start, words, Messages.ColumnsMissing);
        if (line[targetColumn] != ' ')
            rule.Target = _store.Names.NumberOf(words.Next()) + 1;

        ReadOnlySpan<char> protocol = words.Next();
        if (protocol is ['!', _, ..])
        {
            rule.Traits |= RuleTraits.ProtocolNegated;
            protocol = protocol[1..];
        }

        if (protocol.IsEmpty)
            return Refuse(start, words, Messages.ColumnsMissing);
        rule.Protocol = _store.Names.NumberOf(Protocols.NameOf(protocol) ?? protocol) + 1;

        // ip6tables leaves the column of -f blank.
        WordCursor beforeFragments = words;
        switch (words.Next())
        {
            case "--":
                break;
            case "-f":
                rule.Traits |= RuleTraits.FurtherFragments;
                break;
            case "!f":
                rule.Traits |= RuleTraits.HeadFragments;
                break;
            default:
                words = beforeFragments;
                break;
        }

        if (_columns.IsVerbose)
        {
            rule.In = InterfaceNumber(words.Next());
            rule.Out = InterfaceNumber(words.Next());
        }
        else
        {
            rule.Traits |= RuleTraits.HasHiddenConditions;
        }

        ReadOnlySpan<char> source = words.Next();
        int sourceEnd = words.Position;
        ReadOnlySpan<char> destination = words.Next();
        if (destination.IsEmpty)
            return Refuse(start, words, Messages.ColumnsMissing);
        if (!TryReadAddress(source, out AddressPrefix? prefix))
            return Refuse(start + sourceEnd - source.Length, source.Length);
        if (prefix is not null)
            _store.SetSource(ref rule, prefix);
        if (!TryReadAddress(destination, out prefix))
            return Refuse(start + words.Position - destination.Length, destination.Length);
        if (prefix is not null)
            _store.SetDestination(ref rule, prefix);
        if (_chain!.Table is { Family: NetfilterFamily.Unknown } table && source.ContainsAny(':', '.'))
            table.Family = source.Contains(':') ? NetfilterFamily.IPv6 : NetfilterFamily.IPv4;

        ReadOnlySpan<char> options = line[words.Position..].TrimStart(' ');
        ReadOptions(ref rule, end - options.Length, options.TrimEnd(' '));
        // The column has the kernel's name of the target; NOTRACK is iptables' name for a use of CT.
        if (options.TrimEnd(' ').EndsWith("NOTRACK") && rule.Target != 0 && _store.Names[rule.Target - 1] == "CT")
            rule.Target = _store.Names.NumberOf("NOTRACK") + 1;
        return true;
    }

    private static void ReadOptions(ref RuleRecord rule, int start, ReadOnlySpan<char> options)
    {
        rule.Traits |= RuleTraits.OptionsAreText;
        (rule.FirstWord, rule.WordCount) = (start, options.Length);
        if (options.StartsWith("[goto]"))
        {
            rule.Traits |= RuleTraits.Goto;
            options = options["[goto]".Length..].TrimStart(' ');
        }

        // A comment is no condition: /* … */
        if (options.StartsWith("/* ") && options.IndexOf(" */") is int close and > 0 && close + 3 == options.Length)
            return;
        if (!options.IsEmpty)
            rule.Traits |= RuleTraits.HasHiddenConditions;
    }

    private static bool TryReadAddress(ReadOnlySpan<char> word, out AddressPrefix? prefix)
    {
        prefix = null;
        if (word is "anywhere" or "0.0.0.0/0" or "::/0")
            return true;
        return AddressPrefix.TryParse(word is ['!', ..] ? word[1..] : word, word is ['!', ..], out prefix);
    }

    private int InterfaceNumber(ReadOnlySpan<char> word) => word switch
    {
        "*" or "any" or "" => 0,
        ['!', _, ..] => _store.InterfaceNumber(word[1..], true),
        _ => _store.InterfaceNumber(word, false),
    };

    private void Finish()
    {
        if (_headerDue)
            _errors.ReportEnd(Messages.TextCutOff);
        // The init script ends every table with an empty line; without the last one, something is missing.
        else if (IsStatus && Ruleset.Notice == RulesetNotice.None && !_isRetyped && !_blankBefore)
            _errors.ReportEnd(Messages.TextCutOff);

        foreach (Table table in Ruleset.TableList)
        {
            if (table.IsNameInferred)
                InferredTables.Name(table);
            else
                table.IsComplete = BuiltInChains.AreAllOf(table.Name, [.. table.Chains.Where(chain => chain.IsBuiltIn).Select(chain => chain.Name)]);
            if (IsStatus && !table.IsComplete)
                _errors.ReportEnd(Messages.TextCutOff);
            if (table.Family == NetfilterFamily.Unknown)
                table.Family = NetfilterFamily.IPv4;
        }
    }

    private bool Refuse(int lineStart, WordCursor words, string message)
    {
        _errors.Report(message, lineStart + words.Position - words.Current.Length, words.Current.Length);
        return false;
    }

    private bool Refuse(int start, int length)
    {
        _errors.Report(Messages.UnexpectedWord, start, length);
        return false;
    }

    private void ReportWord(int start, int end, string message)
    {
        var words = new WordCursor(_text.AsSpan(start, end - start));
        ReadOnlySpan<char> word = words.Next();
        _errors.Report(message, start + words.Position - word.Length, word.Length);
    }

    private static int CountWords(ReadOnlySpan<char> text)
    {
        int count = 0;
        for (var words = new WordCursor(text); !words.Next().IsEmpty;)
            count++;
        return count;
    }

    /// <summary>Which columns a listing has.</summary>
    private readonly record struct Columns(bool IsKnown, bool HasNumbers, bool IsVerbose)
    {
        public static Columns Of(int words) => words switch
        {
            5 => new(true, false, false),
            6 => new(true, true, false),
            9 => new(true, false, true),
            10 => new(true, true, true),
            _ => default,
        };
    }

    /// <summary>Goes through the words of a line.</summary>
    private ref struct WordCursor(ReadOnlySpan<char> line)
    {
        private readonly ReadOnlySpan<char> _line = line;

        /// <summary>Where the last word ended.</summary>
        public int Position { get; private set; }

        public ReadOnlySpan<char> Current { get; private set; }

        /// <summary>What is left, without blanks around it.</summary>
        public readonly ReadOnlySpan<char> Rest => _line[Position..].Trim(' ');

        /// <summary>The next word; empty at the line's end.</summary>
        public ReadOnlySpan<char> Next()
        {
            ReadOnlySpan<char> rest = _line[Position..];
            int lead = rest.IndexOfAnyExcept(' ', '\t');
            if (lead < 0)
            {
                Position = _line.Length;
                return Current = default;
            }

            rest = rest[lead..];
            int length = rest.IndexOfAny(' ', '\t');
            if (length < 0)
                length = rest.Length;
            Position += lead + length;
            return Current = rest[..length];
        }
    }
}
