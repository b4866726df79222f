using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>The netfilter rules that one text holds.</summary>
/// <remarks>
/// It does not change: <see cref="With(string, string[])"/>, <c>Without</c> and <c>Replace</c> give another one, in which all that was not
/// changed still stands as it was written.
/// </remarks>
public sealed class Ruleset
{
    /// <summary>How many errors are kept; a text can hold any number.</summary>
    public const int MaximumErrors = 1000;

    private readonly List<Table> _tables = [];
    private readonly List<RulesetError> _errors = [];
    private readonly List<string> _unreadableTables = [];

    internal Ruleset(string text, RulesetFormat format) => (Store, Format) = (new RuleStore(text), format);

    /// <summary>
    /// What a tool shows that ran well and printed nothing, as iptables-save does on a host where no table is in use. An empty text
    /// by itself is no ruleset: only who ran the tool knows that it ran.
    /// </summary>
    /// <param name="format">What the tool prints when there is something to print.</param>
    /// <param name="family">Whose packets it shows.</param>
    public static Ruleset WithoutTables(RulesetFormat format, NetfilterFamily family) => new("", format) { DeclaredFamily = family };

    /// <summary>The host that the rules run on, as the caller named it; null for text and files.</summary>
    public string? ComputerName { get; internal set; }

    /// <summary>The form that the text has.</summary>
    public RulesetFormat Format { get; }

    /// <summary>
    /// The program whose rules these are, as a host has it: <c>iptables</c>, <c>iptables-nft</c>, <c>iptables-legacy</c>, the same of
    /// <c>ip6tables</c>, or <c>nft</c>; null for a text that does not tell.
    /// </summary>
    public string? BackEnd { get; internal set; }

    /// <summary>Whose packets the tables see; <see cref="NetfilterFamily.Unknown"/> when there are several families.</summary>
    public NetfilterFamily Family
    {
        get
        {
            NetfilterFamily? family = null;
            foreach (Table table in _tables)
            {
                if (family is not null && family != table.Family)
                    return NetfilterFamily.Unknown;
                family = table.Family;
            }

            return family ?? DeclaredFamily;
        }
    }

    /// <summary>The tables, in the order of the text. The same name can come more than once, in several families.</summary>
    public ReadableList<string> Tables => [.. _tables.Select(table => table.Name)];

    /// <summary>How many rules there are.</summary>
    // Without reading those that were put off.
    public int RuleCount => _tables.Sum(table => table.Chains.Sum(chain => chain.RuleCount));

    /// <summary>Every rule, table by table and chain by chain.</summary>
    public ReadableSequence<Rule> Rules => new(_tables.SelectMany(table => table.Rules));

    /// <summary>What the init script says in place of tables.</summary>
    public RulesetNotice Notice { get; internal set; }

    /// <summary>Whether something of the ruleset is missing: a line could not be read, or the text is cut off.</summary>
    public bool IsPartial { get; internal set; }

    /// <summary>Whether the text, when it is whole, names every table in use, so that a table that is not in it is not in use.</summary>
    public bool ListsEveryTable => Format is RulesetFormat.IptablesSave or RulesetFormat.ServiceStatus or RulesetFormat.NftJson;

    /// <summary>What could not be read, at most <see cref="MaximumErrors"/>, in the order of the text.</summary>
    public ReadableList<RulesetError> Errors => new(_errors);

    /// <summary>Tables that are in use and whose rules iptables cannot show, as it says itself: nft made them.</summary>
    public ReadableList<string> UnreadableTables => new(_unreadableTables);

    /// <summary>The first table of this name; null when there is none.</summary>
    public Table? FindTable(string name) => _tables.Find(table => table.Name == name);

    /// <summary>This ruleset after iptables commands.</summary>
    /// <param name="table">The table that they are for. One that the ruleset does not have is made, with its built-in chains.</param>
    /// <param name="commands">
    /// Commands as iptables takes them, one a string: <c>-A CHAIN …</c>, <c>-I CHAIN [NUMBER] …</c>, <c>-N CHAIN</c>, <c>-P CHAIN POLICY</c>.
    /// </param>
    /// <returns>Another ruleset; this one stays as it is. It has been read from the changed text, so a change costs what reading costs.</returns>
    /// <exception cref="ArgumentException">A command is none of these, or is about a chain that there is not, or is not one line.</exception>
    /// <exception cref="RulesetSyntaxException">A command's rule cannot be read.</exception>
    /// <exception cref="InvalidOperationException">The ruleset is partial, or was not read from iptables-save's form.</exception>
    public Ruleset With(string table, params string[] commands)
    {
        ArgumentNullException.ThrowIfNull(table);
        return With(table, FindTable(table), commands);
    }

    /// <summary>This ruleset after iptables commands for one of its tables.</summary>
    /// <inheritdoc cref="With(string, string[])"/>
    public Ruleset With(Table table, params string[] commands)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Ruleset == this ? With(table.Name, table, commands) : throw new ArgumentException(Messages.TableOfAnother.With(table), nameof(table));
    }

    /// <summary>This ruleset without some of its rules: <c>$ruleset.Without(($ruleset.Rules | Where-Object Target -EQ LOG))</c>.</summary>
    /// <param name="rules">The rules; null, which is what a filter that finds nothing gives in PowerShell, and nothing: all stay.</param>
    /// <exception cref="ArgumentException">A rule is of another ruleset.</exception>
    /// <inheritdoc cref="With(string, string[])"/>
    public Ruleset Without(params Rule[]? rules)
    {
        var change = new RulesetChange(this);
        foreach (Rule rule in rules ?? [])
            change.Replace(rule, null);
        return change.Apply();
    }

    /// <summary>This ruleset without some user chains, their rules, and the rules that lead to them.</summary>
    /// <param name="chains">The chains; null and nothing: all stay.</param>
    /// <exception cref="ArgumentException">A chain is built-in, or of another ruleset.</exception>
    /// <inheritdoc cref="With(string, string[])"/>
    public Ruleset WithoutChain(params Chain[]? chains)
    {
        var change = new RulesetChange(this);
        change.Remove(chains ?? []);
        return change.Apply();
    }

    /// <summary>This ruleset with another rule in one's place: <c>$ruleset.Replace($rule, ($rule.Text -replace 'eth0', 'ens5'))</c>.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="text">The other one, as <see cref="Rule.Text"/> has it: <c>-A CHAIN …</c>, of the same chain.</param>
    /// <inheritdoc cref="With(string, string[])"/>
    public Ruleset Replace(Rule rule, string text)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(text);
        var change = new RulesetChange(this);
        change.Replace(rule, text);
        return change.Apply();
    }

    /// <summary>
    /// This ruleset with each rule's text as a function gives it: <c>$ruleset.Replace({ param($rule) $rule.Text -replace 'eth0', 'ens5' })</c>.
    /// </summary>
    /// <param name="text">Gives a rule's new text, of the same chain, or null to leave the rule out.</param>
    /// <inheritdoc cref="With(string, string[])"/>
    public Ruleset Replace(Func<Rule, string?> text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var change = new RulesetChange(this);
        foreach (Rule rule in Rules)
        {
            if (text(rule) is var changed && changed != rule.Text)
                change.Replace(rule, changed);
        }

        return change.Apply();
    }

    /// <summary>Whose rules these are, and their tables: <c>iptables-nft: nat, filter</c>.</summary>
    public override string ToString() => $"{BackEnd ?? Format.ToString()}: {string.Join(", ", Tables)}";

    /// <summary>The tables themselves: <see cref="Tables"/>, as scripts see it.</summary>
    internal ReadableList<Table> TableList => new(_tables);

    /// <summary>The text that it was read from.</summary>
    internal string SourceText => Store.Text;

    /// <summary>The rules.</summary>
    internal RuleStore Store { get; }

    /// <summary>The family that is known when there is no table.</summary>
    internal NetfilterFamily DeclaredFamily { get; set; }

    private Ruleset With(string name, Table? table, string[] commands)
    {
        ArgumentNullException.ThrowIfNull(commands);
        var change = new RulesetChange(this);
        foreach (string command in commands)
            change.Do(name, table, RuleCommand.Parse(command));
        return change.Apply();
    }

    internal void AddUnreadableTable(string name) => _unreadableTables.Add(name);

    internal void Add(Table table) => _tables.Add(table);

    /// <summary>Leaves a table out that another tool shows better.</summary>
    internal void Remove(Table table)
    {
        _tables.Remove(table);
        _unreadableTables.Remove(table.Name);
    }

    internal void Add(RulesetError error)
    {
        IsPartial = true;
        if (_errors.Count < MaximumErrors)
            _errors.Add(error);
    }
}
