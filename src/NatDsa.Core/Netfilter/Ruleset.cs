namespace NatDsa.Netfilter;

/// <summary>The netfilter rules that one text holds.</summary>
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

    /// <summary>The form that the text has.</summary>
    public RulesetFormat Format { get; }

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
    public IReadOnlyList<Table> Tables => _tables;

    /// <summary>Every rule, table by table and chain by chain.</summary>
    public IEnumerable<Rule> Rules => _tables.SelectMany(table => table.Rules);

    /// <summary>What the init script says in place of tables.</summary>
    public RulesetNotice Notice { get; internal set; }

    /// <summary>Whether something of the ruleset is missing: a line could not be read, or the text is cut off.</summary>
    public bool IsPartial { get; internal set; }

    /// <summary>Whether the text, when it is whole, names every table in use, so that a table that is not in it is not in use.</summary>
    public bool ListsEveryTable => Format is RulesetFormat.IptablesSave or RulesetFormat.ServiceStatus or RulesetFormat.NftJson;

    /// <summary>What could not be read, at most <see cref="MaximumErrors"/>, in the order of the text.</summary>
    public IReadOnlyList<RulesetError> Errors => _errors;

    /// <summary>Tables that are in use and whose rules iptables cannot show, as it says itself: nft made them.</summary>
    public IReadOnlyList<string> UnreadableTables => _unreadableTables;

    /// <summary>The first table of this name; null when there is none.</summary>
    public Table? FindTable(string name) => _tables.Find(table => table.Name == name);

    /// <summary>How many rules there are, without reading those that were put off.</summary>
    internal int RuleCount => _tables.Sum(table => table.Chains.Sum(chain => chain.RuleCount));

    /// <summary>The text that it was read from.</summary>
    internal string SourceText => Store.Text;

    /// <summary>The rules.</summary>
    internal RuleStore Store { get; }

    /// <summary>The family that is known when there is no table.</summary>
    internal NetfilterFamily DeclaredFamily { get; set; }

    internal void AddUnreadableTable(string name) => _unreadableTables.Add(name);

    internal void Add(Table table) => _tables.Add(table);

    internal void Add(RulesetError error)
    {
        IsPartial = true;
        if (_errors.Count < MaximumErrors)
            _errors.Add(error);
    }
}
