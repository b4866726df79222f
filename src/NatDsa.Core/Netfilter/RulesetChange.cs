using System.Globalization;
using System.Text;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>
/// A change to a ruleset: replacements of lines in its text, which is then read again. What is not changed stays as it was, to the last
/// character, and what comes out has passed the same reader as any other text.
/// </summary>
internal sealed class RulesetChange
{
    private readonly Ruleset _ruleset;
    private readonly string _text;
    private readonly string _newLine;
    private readonly List<Splice> _splices = [];
    private readonly Dictionary<(Table? Table, string Chain), List<Line>> _chains = [];
    private readonly Dictionary<string, NewTable> _newTables = [];
    private readonly HashSet<(Table? Table, string Chain)> _newChains = [];

    /// <exception cref="InvalidOperationException">The ruleset is partial, or its text is not iptables-save's.</exception>
    public RulesetChange(Ruleset ruleset)
    {
        if (ruleset.IsPartial)
            throw new InvalidOperationException(Messages.WritePartial);
        if (ruleset.Format != RulesetFormat.IptablesSave)
            throw new InvalidOperationException(Messages.ChangeFormat.With(ruleset.Format));
        (_ruleset, _text) = (ruleset, ruleset.SourceText);
        int end = _text.IndexOf('\n');
        _newLine = end > 0 && _text[end - 1] == '\r' ? "\r\n" : "\n";
    }

    /// <summary>Does to a table what a command says.</summary>
    /// <param name="name">The table's name.</param>
    /// <param name="table">The table; null for one that the ruleset does not have yet.</param>
    /// <param name="command">The command.</param>
    public void Do(string name, Table? table, RuleCommand command)
    {
        switch (command.Kind)
        {
            case RuleCommandKind.NewChain:
                Declare(name, table, command.Chain);
                break;
            case RuleCommandKind.Policy:
                SetPolicy(name, table, command.Chain, command.Line);
                break;
            default:
                if (table?.Chains.Find(command.Chain) is null && !BuiltInChains.Has(name, command.Chain) && !_newChains.Contains((table, command.Chain)))
                    throw new ArgumentException(Messages.ChainMissing.With(command.Chain), nameof(command));
                List<Line> lines = table is null ? NewTableNamed(name).Lines(command.Chain) : LinesOf(table, command.Chain);
                int place = command.Place < 0 ? lines.Count : command.Place;
                if (place > lines.Count)
                    throw new ArgumentException(Messages.NoSuchPlace.With(command.Chain, place + 1, lines.Count), nameof(command));
                lines.Insert(place, new Line(null, command.Line));
                break;
        }
    }

    /// <summary>Puts another line in a rule's place.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="text">The line; null: none.</param>
    public void Replace(Rule rule, string? text)
    {
        if (rule.DeclaringChain.Table.Ruleset != _ruleset)
            throw new ArgumentException(Messages.RuleOfAnother.With(rule), nameof(rule));
        string? line = null;
        if (text is not null)
        {
            var command = RuleCommand.Parse(text);
            if (command.Kind is not (RuleCommandKind.Append or RuleCommandKind.Insert) || command.Chain != rule.Chain)
                throw new ArgumentException(Messages.CommandOfAnotherChain.With(text, rule.Chain), nameof(text));
            line = command.Line;
        }

        List<Line> lines = LinesOf(rule.DeclaringChain.Table, rule.Chain);
        // Nothing is taken out of the list before the end, so that a rule's number stays its place as long as none came in.
        int place = rule.Number - 1;
        if (place >= lines.Count || !rule.Equals(lines[place].Rule))
            place = lines.FindIndex(known => rule.Equals(known.Rule));
        lines[place] = new Line(rule, line, IsChanged: true);
    }

    /// <summary>Takes chains away, with their rules and with those that lead to them.</summary>
    public void Remove(IReadOnlyCollection<Chain> chains)
    {
        foreach (IGrouping<Table, Chain> ofTable in chains.Distinct().GroupBy(chain => chain.Table))
        {
            Table table = ofTable.Key;
            if (table.Ruleset != _ruleset || ofTable.Any(chain => chain.IsBuiltIn))
                throw new ArgumentException(Messages.ChainNotRemovable.With(string.Join(", ", ofTable)), nameof(chains));
            HashSet<string> names = [.. ofTable.Select(chain => chain.Name)];
            foreach (Rule rule in table.Rules)
            {
                if (names.Contains(rule.Chain) || rule.Target is { } target && names.Contains(target))
                    Replace(rule, null);
            }

            // A handwritten file can declare a chain twice.
            foreach ((int start, int length) in DeclarationsIn(table))
            {
                if (names.Contains(Words(start, length)[^1]))
                    _splices.Add(new Splice(start, LineEnd(start + length), ""));
            }
        }
    }

    /// <summary>The ruleset with all of that done.</summary>
    /// <exception cref="RulesetSyntaxException">A rule is in a chain that there is not.</exception>
    public Ruleset Apply()
    {
        foreach (((Table? table, _), List<Line> lines) in _chains)
            Place(table!, lines);
        if (_splices.Count == 0 && _newTables.Count == 0)
            return _ruleset;
        // What comes in at a place stands before what is there; the sort is stable, so that several keep their order.
        Splice[] splices = [.. _splices.OrderBy(splice => splice.Start).ThenBy(splice => splice.End)];
        var text = new StringBuilder(_text.Length + splices.Sum(splice => splice.Text.Length));
        int position = 0;
        foreach (Splice splice in splices)
        {
            text.Append(_text, position, splice.Start - position).Append(splice.Text);
            position = splice.End;
        }

        text.Append(_text, position, _text.Length - position);
        if (_newTables.Count > 0 && text.Length > 0 && text[^1] != '\n')
            text.Append(_newLine);
        foreach (NewTable table in _newTables.Values)
            table.Write(text, _newLine);
        return RulesetReader.Read(text.ToString(), RulesetReadMode.Strict, _ruleset.Family);
    }

    private void Declare(string name, Table? table, string chain)
    {
        if (table?.Chains.Find(chain) is not null || BuiltInChains.Has(name, chain) || !_newChains.Add((table, chain)))
            throw new ArgumentException(Messages.ChainExists.With(chain), nameof(chain));
        if (table is null)
        {
            NewTableNamed(name).Policies.Add(chain, "-");
            return;
        }

        // Behind the other declarations.
        (int start, int length) = DeclarationsIn(table).LastOrDefault();
        int place = length == 0 ? table.Head : LineEnd(start + length);
        _splices.Add(new Splice(place, place, $":{chain} - [0:0]{_newLine}"));
    }

    private void SetPolicy(string name, Table? table, string chain, string policy)
    {
        if (!(table?.Chains.Find(chain)?.IsBuiltIn ?? BuiltInChains.Has(name, chain)))
            throw new ArgumentException(Messages.ChainWithoutPolicy.With(chain), nameof(chain));
        if (table is null)
        {
            NewTableNamed(name).Policies[chain] = policy;
            return;
        }

        if (table.Chains.Find(chain) is not { Declaration: (var start, > 0 and var length) })
        {
            _splices.Add(new Splice(table.Head, table.Head, $":{chain} {policy} [0:0]{_newLine}"));
            return;
        }

        // :CHAIN POLICY [0:0], or -P CHAIN POLICY: the word behind the chain's name.
        int wordsBefore = _text[start] == ':' ? 1 : 2;
        ReadOnlySpan<char> line = _text.AsSpan(start, LineEnd(start + length) - start);
        int position = 0, wordStart = 0;
        for (int word = 0; word <= wordsBefore; word++)
        {
            wordStart = position + line[position..].IndexOfAnyExcept(' ', '\t');
            position = wordStart + line[wordStart..].IndexOfAny(" \t\r\n");
        }

        _splices.Add(new Splice(start + wordStart, start + position, policy));
    }

    private NewTable NewTableNamed(string name)
    {
        if (!_newTables.TryGetValue(name, out NewTable? table))
        {
            if (name.Length == 0 || name.AsSpan().IndexOfAny(" \t\r\n\0") >= 0)
                throw new ArgumentException(Messages.NotATableName.With(name), nameof(name));
            _newTables[name] = table = new NewTable(name);
        }

        return table;
    }

    /// <summary>The lines of a chain, to be changed.</summary>
    private List<Line> LinesOf(Table table, string chain)
    {
        if (!_chains.TryGetValue((table, chain), out List<Line>? lines))
        {
            lines = [];
            if (table.Chains.Find(chain) is { } known)
                lines.AddRange(known.Rules.Select(rule => new Line(rule, null)));
            _chains[(table, chain)] = lines;
        }

        return lines;
    }

    /// <summary>Turns the new lines of a chain into replacements in the text.</summary>
    private void Place(Table table, List<Line> lines)
    {
        Rule[] rules = [.. lines.Where(line => line.Rule is not null).Select(line => line.Rule!)];
        if (rules.Zip(rules.Skip(1)).Any(pair => pair.First.Start > pair.Second.Start))
        {
            PlaceAnew(rules.MinBy(rule => rule.Start)!.Start, lines);
            return;
        }

        // From the end backwards. Behind the last rule, or where there is none, at the table's end.
        int first = _splices.Count;
        int next = rules.Length == 0 ? table.End : LineEnd(rules[^1].Start + rules[^1].Length);
        for (int i = lines.Count - 1; i >= 0; i--)
        {
            Line line = lines[i];
            if (line.Rule is not { } rule)
            {
                _splices.Add(new Splice(next, next, line.Text + _newLine));
                continue;
            }

            next = rule.Start;
            if (line.IsChanged)
                _splices.Add(line.Text is null ? new Splice(next, LineEnd(next + rule.Length), "") : new Splice(next, next + rule.Length, line.Text));
        }

        _splices.Reverse(first, _splices.Count - first);
    }

    /// <summary>
    /// Where <c>-I</c> put rules before others, a line that comes or goes would change what the number of a later one means: all of the chain's lines
    /// are written again, in the order of the rules.
    /// </summary>
    private void PlaceAnew(int start, List<Line> lines)
    {
        var text = new StringBuilder();
        foreach (Line line in lines)
        {
            if (line.Rule is { } rule)
                _splices.Add(new Splice(rule.Start, LineEnd(rule.Start + rule.Length), ""));
            string? written = line.IsChanged || line.Rule is null ? line.Text : RuleCommand.Parse(line.Rule.Text).Line;
            if (written is not null)
                text.Append(written).Append(_newLine);
        }

        _splices.Add(new Splice(start, start, text.ToString()));
    }

    /// <summary>The lines that declare chains, and of each as much as the name's end.</summary>
    private IEnumerable<(int Start, int Length)> DeclarationsIn(Table table)
    {
        for (int start = table.Head; start < table.End; start = LineEnd(start))
        {
            ReadOnlySpan<char> line = _text.AsSpan(start, LineEnd(start) - start);
            if (line[0] == ':')
                yield return (start, line.IndexOfAny(" \t"));
            else if (line.StartsWith("-N ") || line.StartsWith("--new-chain "))
                yield return (start, line.TrimEnd().Length);
        }
    }

    private string[] Words(int start, int length) =>
        _text.Substring(start, length).TrimStart(':').Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Where the next line begins.</summary>
    private int LineEnd(int position)
    {
        int length = _text.AsSpan(position).IndexOf('\n');
        return length < 0 ? _text.Length : position + length + 1;
    }

    /// <summary>A stretch of the text, and what comes in its place.</summary>
    private readonly record struct Splice(int Start, int End, string Text);

    /// <summary>A line of a chain.</summary>
    /// <param name="Rule">The rule that stood there; null for a line that came in.</param>
    /// <param name="Text">What stands there now, where that is not the rule's own text; null: nothing.</param>
    /// <param name="IsChanged">Whether the rule's own text does not stand any more.</param>
    private readonly record struct Line(Rule? Rule, string? Text, bool IsChanged = false);

    /// <summary>A table that the text does not have.</summary>
    private sealed class NewTable(string name)
    {
        private readonly List<(string Chain, List<Line> Lines)> _chains = [];

        /// <summary>The chains with their policies, user chains with <c>-</c>.</summary>
        public Dictionary<string, string> Policies { get; } = [];

        public List<Line> Lines(string chain)
        {
            List<Line>? lines = _chains.Find(known => known.Chain == chain).Lines;
            if (lines is null)
                _chains.Add((chain, lines = []));
            return lines;
        }

        public void Write(StringBuilder text, string newLine)
        {
            text.Append(CultureInfo.InvariantCulture, $"*{name}{newLine}");
            foreach (string chain in BuiltInChains.Of(name).Except(Policies.Keys))
                text.Append(CultureInfo.InvariantCulture, $":{chain} ACCEPT [0:0]{newLine}");
            foreach ((string chain, string policy) in Policies)
                text.Append(CultureInfo.InvariantCulture, $":{chain} {policy} [0:0]{newLine}");
            foreach (Line line in _chains.SelectMany(chain => chain.Lines))
                text.Append(line.Text).Append(newLine);
            text.Append(CultureInfo.InvariantCulture, $"COMMIT{newLine}");
        }
    }
}
