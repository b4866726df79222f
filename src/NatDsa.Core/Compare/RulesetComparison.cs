using NatDsa.Netfilter;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>What is different between two sides.</summary>
/// <param name="Differences">The differences, table by table and chain by chain, in the order of the rules.</param>
/// <param name="Fault">Why some of the rules could not be compared; null when all were.</param>
internal sealed record RulesetComparison(IReadOnlyList<RuleDifference> Differences, Fault? Fault)
{
    /// <summary>How far a removed rule looks for the added one that it has become.</summary>
    private const int Neighbourhood = 8;

    /// <summary>Compares rules with a reference: like with like, each back end, family and table with its own.</summary>
    /// <param name="reference">The rules as they should be, or were.</param>
    /// <param name="rules">The rules as they are.</param>
    /// <param name="includeCounters">Whether other counters are differences.</param>
    /// <param name="of">Gives a difference the host that it is of.</param>
    public static RulesetComparison Of(ComparedRules reference, ComparedRules rules, bool includeCounters, HostRecord? of = null)
    {
        if ((reference.WhyNot() ?? rules.WhyNot()) is { } fault)
            return new RulesetComparison([], fault);
        var work = new Work(reference, rules, includeCounters, of);
        fault = work.Compare();
        return new RulesetComparison(work.Differences, fault);
    }

    private sealed class Work(ComparedRules reference, ComparedRules rules, bool includeCounters, HostRecord? of)
    {
        private readonly Dictionary<string, int> _numbersByText = new(StringComparer.Ordinal);
        private readonly Dictionary<string, int> _numbersByKey = new(StringComparer.Ordinal);
        private readonly List<RuleFields> _fields = [];
        private TableGroup? _group;

        public List<RuleDifference> Differences { get; } = [];

        public Fault? Compare()
        {
            List<TableGroup> wanted = TableGroup.Of(reference), found = TableGroup.Of(rules);
            if (WhyNotAlike(wanted, found) is { } fault)
                return fault;
            bool compared = reference.IsWhole && rules.IsWhole;
            foreach ((TableGroup? before, TableGroup? now) in Pairs(wanted, found))
            {
                _group = now ?? before!;
                foreach (string name in (before?.Tables ?? []).Concat(now?.Tables ?? []).Select(table => table.Name).Distinct())
                {
                    Table[] wantedTables = TablesOf(before, name), foundTables = TablesOf(now, name);
                    // What a text does not show is not known to be missing.
                    if (wantedTables.Length == 0 && !TellsAll(before, reference, wanted) || foundTables.Length == 0 && !TellsAll(now, rules, found))
                        continue;
                    compared = true;
                    CompareTable(name, wantedTables, foundTables);
                }
            }

            // Two blanks tell as much as two rules, if they are of the same.
            compared |= rules.IsWhole && wanted.Any(one => one.ListsAll) || reference.IsWhole && found.Any(one => one.ListsAll);
            compared |= wanted.Any(one => one.ListsAll && found.Any(other => other.ListsAll && other.Family == one.Family && other.Notation == one.Notation));
            return compared ? null : new Fault(ErrorIds.NotComparable, Messages.CompareNothingInCommon.With(NameOf(rules), NameOf(reference)));
        }

        private static string NameOf(ComparedRules side) => side.Name ?? Messages.PipelineText;

        private static Table[] TablesOf(TableGroup? group, string name) => [.. (group?.Tables ?? []).Where(table => table.Name == name)];

        private bool TellsAll(TableGroup? group, ComparedRules side, List<TableGroup> groups) =>
            side.IsWhole || (group is not null ? group.ListsAll
                : groups.Any(other => other.ListsAll && (other.Notation == RuleNotation.Nft) == (_group!.Notation == RuleNotation.Nft) && (other.Family == _group.Family || other.Notation == RuleNotation.Nft)));

        /// <summary>Rules that are told in different ways cannot be told to be the same, or not.</summary>
        private Fault? WhyNotAlike(List<TableGroup> wanted, List<TableGroup> found)
        {
            foreach (TableGroup one in wanted.Where(group => !group.IsBlank))
            {
                foreach (TableGroup other in found.Where(group => !group.IsBlank && group.Family == one.Family && group.Notation != one.Notation))
                {
                    // Beside iptables' tables nft has tables of its own, by other names.
                    bool bothIptables = one.Notation != RuleNotation.Nft && other.Notation != RuleNotation.Nft;
                    if (bothIptables || one.Tables.Any(table => other.Tables.Any(its => its.Name == table.Name)) && !Has(wanted, other) && !Has(found, one))
                        return new Fault(ErrorIds.NotComparable, Messages.CompareNotation.With(NameOf(rules), NameOf(reference)));
                }
            }

            return null;
        }

        private static bool Has(List<TableGroup> groups, TableGroup like) => groups.Any(group => group.Family == like.Family && group.Notation == like.Notation);

        /// <summary>Which group of the reference is which of the rules': the same back end's; else the one that shares most rules with it.</summary>
        private IEnumerable<(TableGroup? Before, TableGroup? Now)> Pairs(List<TableGroup> wanted, List<TableGroup> found)
        {
            List<TableGroup> before = [.. wanted.Where(group => !group.IsBlank)], now = [.. found.Where(group => !group.IsBlank)];
            foreach (TableGroup one in before.ToArray())
            {
                if (now.Find(group => group.BackEnd is not null && group.BackEnd == one.BackEnd && group.Family == one.Family) is { } its)
                {
                    before.Remove(one);
                    now.Remove(its);
                    yield return (one, its);
                }
            }

            while (before.Count > 0)
            {
                (TableGroup one, TableGroup? its, int shared) best = (before[0], null, -1);
                foreach (TableGroup one in before)
                {
                    foreach (TableGroup its in now.Where(group => group.Family == one.Family && group.Notation == one.Notation))
                    {
                        // Counted only where there is a choice.
                        int shared = before.Count + now.Count > 2 ? Shared(one, its) : 0;
                        if (shared > best.shared)
                            best = (one, its, shared);
                    }
                }

                before.Remove(best.one);
                // Blank tables are as good as none, but the tables are there.
                if (best.its is null)
                    best.its = found.Find(group => group.IsBlank && group.Family == best.one.Family && (group.BackEnd == best.one.BackEnd || group.BackEnd is null || best.one.BackEnd is null));
                else
                    now.Remove(best.its);
                yield return (best.one, best.its);
            }

            foreach (TableGroup one in now)
                yield return (wanted.Find(group => group.IsBlank && group.Family == one.Family && (group.BackEnd == one.BackEnd || group.BackEnd is null || one.BackEnd is null)), one);
        }

        private int Shared(TableGroup one, TableGroup other)
        {
            HashSet<(string, string, int)> rules = [.. one.Tables.SelectMany(table => table.Rules).Select(rule => (rule.Table, rule.Chain, NumberOf(rule)))];
            return other.Tables.SelectMany(table => table.Rules).Count(rule => rules.Contains((rule.Table, rule.Chain, NumberOf(rule))));
        }

        private void CompareTable(string table, Table[] before, Table[] now)
        {
            bool isNft = _group!.Notation == RuleNotation.Nft;
            if (now.Length == 0 && (isNft || !before.All(TableGroup.IsBlankTable)))
                Add(RuleDifferenceKind.TableRemoved, table);
            if (before.Length == 0 && (isNft || !now.All(TableGroup.IsBlankTable)))
                Add(RuleDifferenceKind.TableAdded, table);
            foreach (string name in before.Concat(now).SelectMany(one => one.Chains).Select(chain => chain.Name).Distinct())
            {
                Chain? wanted = Find(before, name), found = Find(now, name);
                CompareChain(table, name, wanted, found, before.Length, now.Length);
                CompareRules(table, name, Rules(before, name), Rules(now, name));
            }
        }

        private static Chain? Find(Table[] tables, string chain) => tables.Select(table => table.Chains.Find(chain)).FirstOrDefault(found => found is not null);

        private static Rule[] Rules(Table[] tables, string chain) => [.. tables.SelectMany(table => table.Chains.Find(chain) is { } found ? (IEnumerable<Rule>)found.Rules : [])];

        private void CompareChain(string table, string name, Chain? wanted, Chain? found, int tablesBefore, int tablesNow)
        {
            bool isIptables = _group!.Notation != RuleNotation.Nft;
            if (isIptables && (wanted ?? found)!.IsBuiltIn)
            {
                // The kernel gives a table its chains; one that is not in use does as one with the policy ACCEPT. A text may leave a policy out.
                string? before = tablesBefore == 0 ? "ACCEPT" : wanted?.PolicyText, now = tablesNow == 0 ? "ACCEPT" : found?.PolicyText;
                if (before is not null && now is not null && before != now)
                    AddPolicy(table, name, before, now);
            }
            else if (wanted is null || found is null)
            {
                Add(wanted is null ? RuleDifferenceKind.ChainAdded : RuleDifferenceKind.ChainRemoved, table, name, policy: found?.PolicyText, referencePolicy: wanted?.PolicyText);
            }
            else
            {
                string[] fields =
                [
                    .. wanted.Hook == found.Hook ? (string[])[] : [nameof(Netfilter.Chain.Hook)],
                    .. wanted.HookType == found.HookType ? (string[])[] : [nameof(Netfilter.Chain.HookType)],
                    .. wanted.Priority == found.Priority ? (string[])[] : [nameof(Netfilter.Chain.Priority)],
                ];
                if (fields.Length > 0)
                    Add(RuleDifferenceKind.ChainChanged, table, name, fields: fields);
                if (wanted.PolicyText != found.PolicyText)
                    AddPolicy(table, name, wanted.PolicyText, found.PolicyText);
            }

            if (includeCounters && wanted?.Packets is not null && found?.Packets is not null && (wanted.Packets, wanted.Bytes) != (found.Packets, found.Bytes))
                Add(RuleDifferenceKind.CountersChanged, table, name);
        }

        private void CompareRules(string table, string chain, Rule[] before, Rule[] now)
        {
            int[] wanted = [.. before.Select(NumberOf)], found = [.. now.Select(NumberOf)];
            var alignment = RuleAlignment.Of(wanted, found);
            bool[] stays = new bool[before.Length];
            foreach (int place in alignment.KeptFrom.Concat(alignment.MovedFrom).Where(place => place >= 0))
                stays[place] = true;

            int nextBefore = 0, nextNow = 0;
            for (int i = 0; i <= now.Length; i++)
            {
                int kept = i < now.Length ? alignment.KeptFrom[i] : before.Length;
                if (kept < 0)
                    continue;
                CompareBetween(nextBefore, kept, nextNow, i);
                if (i < now.Length)
                    CompareCounters(before[kept], now[i]);
                (nextBefore, nextNow) = (kept + 1, i + 1);
            }

            void CompareBetween(int start, int end, int from, int to)
            {
                List<int> added = [.. Enumerable.Range(from, to - from).Where(i => alignment.MovedFrom[i] < 0)];
                var became = new Dictionary<int, int>();
                int first = 0;
                for (int i = start; i < end; i++)
                {
                    if (stays[i])
                        continue;
                    if (Likest(wanted[i], added, first) is int place and >= 0)
                    {
                        became[added[place]] = i;
                        first = place + 1;
                    }
                    else
                    {
                        Add(RuleDifferenceKind.Removed, table, chain, referenceRule: before[i]);
                    }
                }

                for (int i = from; i < to; i++)
                {
                    if (alignment.MovedFrom[i] is int moved and >= 0)
                    {
                        Add(RuleDifferenceKind.Moved, table, chain, now[i], before[moved]);
                        CompareCounters(before[moved], now[i]);
                    }
                    else if (became.TryGetValue(i, out int was))
                    {
                        Add(RuleDifferenceKind.Changed, table, chain, now[i], before[was], fields: _fields[wanted[was]].DifferencesTo(_fields[found[i]]));
                    }
                    else
                    {
                        Add(RuleDifferenceKind.Added, table, chain, now[i]);
                    }
                }
            }

            int Likest(int rule, List<int> added, int first)
            {
                (int place, int likeness) best = (-1, -1);
                for (int i = first; i < Math.Min(added.Count, first + Neighbourhood); i++)
                {
                    if (_fields[rule].LikenessTo(_fields[found[added[i]]]) is var likeness && likeness > best.likeness)
                        best = (i, likeness);
                }

                return best.place;
            }

            void CompareCounters(Rule one, Rule other)
            {
                if (includeCounters && one.Packets is not null && other.Packets is not null && (one.Packets, one.Bytes) != (other.Packets, other.Bytes))
                    Add(RuleDifferenceKind.CountersChanged, table, chain, other, one);
            }
        }

        /// <summary>A number that is the same for rules that say the same.</summary>
        private int NumberOf(Rule rule)
        {
            // The same text says the same: its fields are looked at once.
            bool isCommand = rule.DeclaringChain.Table.Ruleset.Format is RulesetFormat.IptablesSave or RulesetFormat.ListRules;
            string text = isCommand ? RuleFields.Specification(rule) : "";
            if (isCommand && _numbersByText.TryGetValue(text, out int number))
                return number;
            RuleFields fields = RuleFields.Of(rule);
            if (!_numbersByKey.TryGetValue(fields.Key, out number))
            {
                _numbersByKey[fields.Key] = number = _fields.Count;
                _fields.Add(fields);
            }

            if (isCommand)
                _numbersByText[text] = number;
            return number;
        }

        private void AddPolicy(string table, string chain, string? before, string? now) =>
            Add(RuleDifferenceKind.PolicyChanged, table, chain, policy: now, referencePolicy: before);

        private void Add(
            RuleDifferenceKind kind, string table, string? chain = null, Rule? rule = null, Rule? referenceRule = null,
            string? policy = null, string? referencePolicy = null, IReadOnlyList<string>? fields = null) =>
            Differences.Add(new RuleDifference
            {
                ComputerName = of?.ComputerName,
                Origin = of?.Origin,
                Path = (of as NatIptablesState)?.Path,
                Kind = kind,
                ReferenceName = reference.Name,
                BackEnd = _group!.BackEnd,
                Family = _group.Family,
                Table = table,
                Chain = chain,
                FoundRule = rule,
                ExpectedRule = referenceRule,
                Policy = policy,
                ReferencePolicy = referencePolicy,
                ChangedFields = [.. fields ?? []],
            });
    }
}
