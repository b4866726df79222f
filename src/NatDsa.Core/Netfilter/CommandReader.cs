using System.Globalization;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// Reads rules that are written as commands: <c>iptables-save</c> (tables between <c>*name</c> and <c>COMMIT</c>) and
/// <c>iptables -S</c> (the commands alone). One pass over the text; every rule comes out as soon as its line is read.
/// </summary>
/// <remarks>
/// With <c>defersRules</c> a rule's line is only put with its chain, which reads its rules when somebody asks for them: a verdict on a
/// host rests on a few chains of many. Sources of the format: iptables-save(8), iptables-restore(8), iptables(8) on <c>-S</c>.
/// </remarks>
internal sealed class CommandReader : IRuleReader
{
    private readonly string _text;
    private readonly RuleStore _store;
    private readonly SyntaxErrors _errors;
    private readonly NetfilterFamily _family;
    private readonly LineWords _words;
    private readonly SpecificationReader _specifications;
    private readonly bool _isSave;
    private readonly bool _defersRules;
    private readonly Queue<bool> _tableBeginnings = new();

    // The next line, and the place in the line that is being read.
    private int _position;
    private int _cursor;
    private Table? _table;

    // The last rule's chain, and where its name stands; -1: none. Whether the last line was put off.
    private int _chain = -1;
    private int _chainNameStart;
    private int _chainNameLength;
    private bool _hasDeferred;

    // The counters in front of the rule that is being read, if there are.
    private bool _isCounted;
    private ulong _packets;
    private ulong _bytes;
    private NetfilterFamily _announced;
    private bool _tableIsDue;

    public CommandReader(string text, RulesetFormat format, RulesetReadMode mode, NetfilterFamily family, bool defersRules = false)
    {
        _text = text;
        _family = family;
        _isSave = format == RulesetFormat.IptablesSave;
        _defersRules = defersRules;
        Ruleset = new Ruleset(text, format) { DeclaredFamily = family };
        _errors = new SyntaxErrors(Ruleset, mode);
        _store = Ruleset.Store;
        _words = new LineWords(text, _errors);
        _specifications = new SpecificationReader(_store, _words, _errors);
        if (defersRules)
            _store.Reader = this;
        _position = text is ['\uFEFF', ..] ? 1 : 0;
    }

    public Ruleset Ruleset { get; }

    private NameTable Names => _store.Names;

    public int ReadRule()
    {
        while (_position < _text.Length)
        {
            int start = _cursor = _position;
            if (_text[start] is '-' or '[')
            {
                int rule = ReadCommand(start);
                EndLine(start);
                if (rule < 0)
                    continue;
                if (_table!.Family == NetfilterFamily.Unknown)
                    SettleFamily(_table, new Rule(_store, rule));
                return rule;
            }
            else
            {
                int end = _words.EndOfLine(start);
                ReadLine(start, end);
                _hasDeferred = false;
                _cursor = end;
                EndLine(start);
            }
        }

        Finish();
        return -1;
    }

    /// <summary>Reads rules that were put off: so many lines from one on.</summary>
    internal void ReadDeferred(int chain, int start, int count)
    {
        (int cursor, bool isCounted, ulong packets, ulong bytes) = (_cursor, _isCounted, _packets, _bytes);
        for (; count > 0; count--)
        {
            _cursor = start;
            _isCounted = false;
            ReadCounters();
            NextWord(out _, out _);
            NextWord(out _, out _);
            if (_words.TryReadToEnd(ref _cursor, out ReadOnlySpan<int> ends) && ReadSpecification(start, ends) is int index and >= 0)
                _store.Append(chain, index);
            start = LineAfter(_words.EndOfLine(_cursor));
        }

        (_cursor, _isCounted, _packets, _bytes) = (cursor, isCounted, packets, bytes);
    }

    /// <summary>Goes to the next line from the place where reading stopped in this one.</summary>
    private void EndLine(int start)
    {
        int end = _cursor;
        if (end < _text.Length && _text[end] == '\n')
        {
            _position = end + 1;
            return;
        }

        if (end < _text.Length && _text[end] == '\r')
            end++;
        if (end < _text.Length && _text[end] != '\n')
            end = Math.Max(_words.EndOfLine(end), end);
        if (end < _text.Length && _text[end] == '\r')
            end++;
        _position = end + 1;
        // A last line without its line feed is cut off, unless it says nothing that could go on.
        if (end >= _text.Length && !(_isSave && _text.AsSpan(start).TrimEnd() is "COMMIT" or ['#', ..] or ""))
            _errors.ReportEnd(Messages.TextCutOff);
    }

    private void ReadLine(int start, int end)
    {
        ReadOnlySpan<char> line = _text.AsSpan(start, end - start);
        switch (line)
        {
            case ['#', ..]:
                ReadComment(line);
                break;
            case [':', ..] when _isSave:
                ReadChain(start, end);
                break;
            case ['*', ..] when _isSave:
                BeginTable(start, end);
                break;
            case ['C', ..] when _isSave && _table is not null && line.TrimEnd() is "COMMIT":
                _table.IsComplete = true;
                CloseTable(start);
                break;
            default:
                if (!line.IsWhiteSpace())
                    ReportWordAt(start);
                break;
        }
    }

    private void ReadComment(ReadOnlySpan<char> comment)
    {
        const string Generated = "# Generated by ";
        const string Incompatible = "# Table `";
        if (comment.StartsWith(Generated))
        {
            ReadOnlySpan<char> tool = comment[Generated.Length..];
            _announced = tool.StartsWith("ip6tables") ? NetfilterFamily.IPv6 : tool.StartsWith("iptables") ? NetfilterFamily.IPv4 : NetfilterFamily.Unknown;
            _tableIsDue = true;
        }
        else if (comment.StartsWith(Incompatible) && comment.IndexOf("' is incompatible") is int quote and > 0)
        {
            // iptables-nft says so of a table that nft has changed beyond iptables' words, and leaves its rules out.
            Ruleset.AddUnreadableTable(comment[Incompatible.Length..quote].ToString());
        }
    }

    private void BeginTable(int start, int end)
    {
        if (_table is not null)
        {
            _errors.Report(Messages.TableNotCommitted, start, end - start);
            CloseTable(start);
        }

        _cursor = start + 1;
        if (!NextWord(out int nameStart, out int length) || NextWord(out _, out _))
        {
            _errors.Report(Messages.UnexpectedWord, start, end - start);
            return;
        }

        _table = new Table(Ruleset, Names.Intern(_text.AsSpan(nameStart, length)), _announced != NetfilterFamily.Unknown ? _announced : _family) { Head = LineAfter(end) };
        _chain = -1;
        _tableIsDue = false;
        Ruleset.Add(_table);
    }

    private int LineAfter(int end) => end < _text.Length && _text[end] == '\r' ? Math.Min(end + 2, _text.Length) : Math.Min(end + 1, _text.Length);

    private void CloseTable(int end)
    {
        if (_table is null)
            return;
        if (_table.Family == NetfilterFamily.Unknown)
            _table.Family = NetfilterFamily.IPv4;
        _table.End = end;
        (_table, _chain) = (null, -1);
    }

    private void Finish()
    {
        if (_isSave)
        {
            if (_table is not null)
                _errors.ReportEnd(Messages.CommitMissing);
            else if (_tableIsDue)
                _errors.ReportEnd(Messages.TextCutOff);
            CloseTable(_text.Length);
            return;
        }

        foreach (Table table in Ruleset.TableList)
        {
            InferredTables.Name(table);
            if (table.Family == NetfilterFamily.Unknown)
                table.Family = NetfilterFamily.IPv4;
        }
    }

    // :NAME POLICY [packets:bytes], in the table's head.
    private void ReadChain(int start, int end)
    {
        _cursor = start + 1;
        if (_table is null || !NextWord(out int nameStart, out int nameLength) || !NextWord(out int policyStart, out int policyLength))
        {
            ReportWordAt(start);
            return;
        }

        int chain = ChainNamed(_table, _text.AsSpan(nameStart, nameLength));
        Declare(chain, start, end - start);
        SetPolicy(chain, policyStart, policyLength);
        if (!NextWord(out int countersStart, out int countersLength))
            return;
        if (!TryReadCounters(_text.AsSpan(countersStart, countersLength), out ulong packets, out ulong bytes) || NextWord(out countersStart, out countersLength))
        {
            _errors.Report(Messages.UnexpectedWord, countersStart, countersLength);
            return;
        }

        _store.SetChainCounters(chain, packets, bytes);
    }

    /// <summary>The number of the table's chain of that name, which is added where there is none.</summary>
    private int ChainNamed(Table table, ReadOnlySpan<char> text)
    {
        int name = Names.NumberOf(text);
        int chain = table.Chains.NumberOf(name);
        return chain >= 0 ? chain : table.Chains.Add(name);
    }

    private void Declare(int chain, int start, int length)
    {
        ref ChainRecord record = ref _store.ChainRecords[chain];
        (record.DeclarationStart, record.DeclarationLength) = (start, length);
    }

    private void SetPolicy(int chain, int start, int length)
    {
        ReadOnlySpan<char> policy = _text.AsSpan(start, length);
        ref ChainRecord record = ref _store.ChainRecords[chain];
        bool builtIn = policy is not "-";
        record.Policy = builtIn ? Names.NumberOf(policy) + 1 : 0;
        record.Traits = builtIn ? record.Traits | ChainTraits.BuiltIn : record.Traits & ~ChainTraits.BuiltIn;
    }

    private bool NextWord(out int start, out int length) => _words.TryRead(ref _cursor, out start, out length);

    // [packets:bytes]
    private static bool TryReadCounters(ReadOnlySpan<char> word, out ulong packets, out ulong bytes)
    {
        packets = bytes = 0;
        int i = 1;
        return word is ['[', _, .., ']']
            && TryReadNumber(word, ref i, ':', out packets) && TryReadNumber(word, ref i, ']', out bytes) && i == word.Length;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> word, ref int index, char terminator, out ulong number)
    {
        number = 0;
        int digits = index;
        for (; index < word.Length; index++)
        {
            uint digit = (uint)(word[index] - '0');
            if (digit > 9)
                break;
            if (number > (ulong.MaxValue - digit) / 10)
                return false;
            number = number * 10 + digit;
        }

        return index > digits && index < word.Length && word[index++] == terminator;
    }

    /// <summary>Reads counters in front of a rule, if there are.</summary>
    /// <returns>False when what stands there are none; the error is noted.</returns>
    private bool ReadCounters()
    {
        if (_text[_cursor] != '[' || !NextWord(out int start, out int length))
            return true;
        _isCounted = TryReadCounters(_text.AsSpan(start, length), out _packets, out _bytes);
        if (!_isCounted)
            _errors.Report(Messages.UnexpectedWord, start, length);
        return _isCounted;
    }

    private int ReadCommand(int start)
    {
        const string Append = "-A ";
        bool follows = _hasDeferred;
        _hasDeferred = _isCounted = false;
        if (_text.AsSpan(start).StartsWith(Append))
            _cursor = start + Append.Length - 1;
        else if (!TryReadCommand(start, out bool insert))
            return -1;
        else if (insert)
            return ReadInsertion(start);
        if (_defersRules)
        {
            Defer(start, follows);
            return -1;
        }

        if (!_words.TryReadToEnd(ref _cursor, out ReadOnlySpan<int> ends) || !IsChain(TakeWord(ref ends, out int length), length, start))
            return -1;
        int chain = _chain;
        int index = ReadSpecification(start, ends);
        if (index >= 0)
            _store.Append(chain, index);
        return index;
    }

    private int ReadInsertion(int start)
    {
        if (!IsChain(NextWord(out int name, out int length) ? name : start, length, start))
            return -1;
        int chain = _chain;
        if (!TryReadPlace(chain, out int place) || !_words.TryReadToEnd(ref _cursor, out ReadOnlySpan<int> ends))
            return -1;
        int index = ReadSpecification(start, ends);
        if (index >= 0)
            _store.Insert(chain, place, index);
        return index;
    }

    private void Defer(int start, bool follows)
    {
        int lastChain = _chain;
        // Most lines are a rule of the same chain as the line before.
        if (lastChain >= 0 && IsChainNext(_cursor))
            _cursor += 1 + _chainNameLength;
        else if (!IsChain(NextWord(out int name, out int length) ? name : start, length, start))
            return;
        _store.Defer(_chain, start, follows && _chain == lastChain);
        _hasDeferred = true;
        _cursor = _words.EndOfLine(_cursor);
    }

    /// <summary>Takes the first word from a line's.</summary>
    /// <returns>Where it begins; it has no length when there is none.</returns>
    private static int TakeWord(ref ReadOnlySpan<int> ends, out int length)
    {
        int start;
        do
        {
            start = ends[0] + 1;
            length = ends.Length > 1 ? ends[1] - start : 0;
            if (ends.Length > 1)
                ends = ends[1..];
        }
        while (length == 0 && ends.Length > 1);
        return start;
    }

    /// <summary>Finds the chain of a rule by its name.</summary>
    /// <returns>False when there is no name, or no chain of it; the error is noted.</returns>
    private bool IsChain(int start, int length, int line)
    {
        if (length <= 0)
        {
            ReportCommandOf(line);
            return false;
        }

        // Most lines are a rule of the same chain as the line before.
        if (_chain >= 0 && length == _chainNameLength && _text.AsSpan(start, length).SequenceEqual(_text.AsSpan(_chainNameStart, length)))
            return true;
        return ChainOfRule(start, length) >= 0;
    }

    private void ReportCommandOf(int line)
    {
        int cursor = line;
        if (_text[line] == '[')
            _words.TryRead(ref cursor, out _, out _);
        _words.TryRead(ref cursor, out int start, out int length);
        _errors.Report(Messages.ValueMissing, start, length);
    }

    /// <summary>Whether a blank stands there, then the name of the last rule's chain, and another blank.</summary>
    private bool IsChainNext(int position)
    {
        ReadOnlySpan<char> rest = _text.AsSpan(position);
        int length = _chainNameLength;
        return rest.Length > length + 1 && rest[0] == ' ' && rest[length + 1] == ' ' && rest[1..].StartsWith(_text.AsSpan(_chainNameStart, length));
    }

    /// <summary>Reads a line up to its chain: counters, if there are, and <c>-A</c> or <c>-I</c>. Other commands are read, or refused, as a whole.</summary>
    private bool TryReadCommand(int start, out bool insert)
    {
        insert = false;
        if (!ReadCounters())
            return false;
        if (!NextWord(out int commandStart, out int length))
        {
            ReportWordAt(start);
            return false;
        }

        ReadOnlySpan<char> command = _text.AsSpan(commandStart, length);
        insert = command is "-I" or "--insert";
        if (insert || command is "-A" or "--append")
            return true;
        if (_isCounted)
            _errors.Report(Messages.UnexpectedWord, commandStart, length);
        else
            ReadChainCommand(command, commandStart, length, start);
        return false;
    }

    /// <summary>Reads a rule from behind its chain's name.</summary>
    /// <returns>Its number in the store; -1 when it cannot be read, which is noted.</returns>
    private int ReadSpecification(int start, ReadOnlySpan<int> ends)
    {
        if (_cursor - start > Word.MaximumLength)
        {
            _errors.Report(Messages.LineTooLong, start, RulesetError.MaximumWordLength);
            return -1;
        }

        ref RuleRecord record = ref _store.Add(out int index);
        (record.Start, record.Length) = (start, _cursor - start);
        if (_isCounted)
            _store.SetCounters(index, _packets, _bytes, false);
        if (_specifications.Read(ref record, index, ends))
            return index;
        _store.RemoveLast();
        return -1;
    }

    /// <summary>Nothing but an address tells the family of a dump without its first line.</summary>
    private static void SettleFamily(Table table, Rule rule)
    {
        if ((rule.SourceAddress ?? rule.DestinationAddress) is { Name: null } address)
            table.Family = address.IsIPv6 ? NetfilterFamily.IPv6 : NetfilterFamily.IPv4;
        else if (rule.ProtocolName == "ipv6-icmp")
            table.Family = NetfilterFamily.IPv6;
    }

    private bool TryReadPlace(int chain, out int place)
    {
        place = 0;
        int before = _cursor;
        if (!NextWord(out int start, out int length) || !char.IsAsciiDigit(_text[start]))
        {
            _cursor = before;
            return true;
        }

        if (int.TryParse(_text.AsSpan(start, length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= 1 && number <= _store.ChainOf(chain).Rules.Count + 1)
        {
            place = number - 1;
            return true;
        }

        _errors.Report(Messages.UnexpectedWord, start, length);
        return false;
    }

    /// <summary>The number of the chain that a rule is for; -1 when there is none, which is noted.</summary>
    private int ChainOfRule(int start, int length)
    {
        ReadOnlySpan<char> name = _text.AsSpan(start, length);
        if (_table is null)
        {
            if (_isSave)
            {
                _errors.Report(Messages.OutsideTable, start, length);
                return -1;
            }

            _table = AddInferredTable();
        }

        _chain = Names.Find(name) is int number and >= 0 ? _table.Chains.NumberOf(number) : -1;
        if (_chain < 0)
        {
            // The kernel's own chains need no declaration.
            bool builtIn = BuiltInChains.Has(_table.Name, name.ToString());
            if (!builtIn && _isSave)
            {
                _errors.Report(Messages.ChainNotDeclared, start, length);
                return -1;
            }

            _chain = ChainNamed(_table, name);
            if (builtIn)
                _store.ChainRecords[_chain].Traits |= ChainTraits.BuiltIn;
        }

        (_chainNameStart, _chainNameLength) = (start, length);
        return _chain;
    }

    // -P CHAIN POLICY [-c packets bytes], -N CHAIN
    private void ReadChainCommand(ReadOnlySpan<char> command, int start, int length, int line)
    {
        bool policy = command is "-P" or "--policy";
        if (!policy && command is not ("-N" or "--new-chain") || _table is null && _isSave)
        {
            _errors.Report(Messages.UnexpectedWord, start, length);
            return;
        }

        if (!NextWord(out int nameStart, out int nameLength))
        {
            _errors.Report(Messages.ValueMissing, start, length);
            return;
        }

        if (!_isSave && policy)
            ChooseInferredTable(line);
        _table ??= AddInferredTable();
        int chain = ChainNamed(_table, _text.AsSpan(nameStart, nameLength));
        Declare(chain, line, nameStart + nameLength - line);
        if (policy)
        {
            if (!NextWord(out int policyStart, out int policyLength))
            {
                _errors.Report(Messages.ValueMissing, start, length);
                return;
            }

            SetPolicy(chain, policyStart, policyLength);
        }

        if (!NextWord(out int restStart, out int restLength))
            return;
        if (_text.AsSpan(restStart, restLength) is "-c" && _specifications.TryReadCounters(ref _cursor, out ulong packets, out ulong bytes))
            _store.SetChainCounters(chain, packets, bytes);
        else
            _errors.Report(Messages.UnexpectedWord, restStart, restLength);
    }

    /// <summary>
    /// <c>-S</c> does not name its table. A run of <c>-P</c> lines opens one; where several listings follow each other without
    /// chains or rules between them, the run is several tables, told apart by what built-in chains each has.
    /// </summary>
    private void ChooseInferredTable(int line)
    {
        if (_tableBeginnings.Count == 0)
        {
            var names = new List<string>();
            for (int position = line; position < _text.Length && _text.AsSpan(position).StartsWith("-P ");)
            {
                int cursor = position + "-P ".Length;
                if (_words.TryRead(ref cursor, out int start, out int length))
                    names.Add(Names.Intern(_text.AsSpan(start, length)));
                position = _words.EndOfLine(position);
                while (position < _text.Length && _text[position] is '\r' or '\n')
                    position++;
            }

            foreach (bool begins in InferredTables.BeginningsIn(names))
                _tableBeginnings.Enqueue(begins);
        }

        if (_tableBeginnings.Count > 0 && _tableBeginnings.Dequeue())
            _table = AddInferredTable();
    }

    private Table AddInferredTable()
    {
        var table = new Table(Ruleset, "", _family) { IsNameInferred = true };
        Ruleset.Add(table);
        _chain = -1;
        return table;
    }

    private void ReportWordAt(int start)
    {
        int cursor = start;
        if (_words.TryRead(ref cursor, out int wordStart, out int length))
            _errors.Report(Messages.UnexpectedWord, wordStart, length);
        else
            _errors.Report(Messages.UnexpectedWord, start, 0);
    }
}
