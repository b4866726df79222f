using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>How a text tells rules: only texts of one kind can be compared rule by rule.</summary>
internal enum RuleNotation
{
    /// <summary>As commands: iptables-save, <c>-S</c>.</summary>
    Commands,

    /// <summary>As a listing, which leaves things out: <c>-L</c>, the init script's status.</summary>
    Listing,

    /// <summary>As nft's objects.</summary>
    Nft,
}

/// <summary>The tables of one back end and family.</summary>
/// <param name="BackEnd">The back end; null when it is not known.</param>
/// <param name="Family">The family.</param>
/// <param name="Notation">How the rules are told.</param>
/// <param name="ListsAll">Whether a table that is not among them is not in use.</param>
/// <param name="Tables">The tables.</param>
internal sealed record TableGroup(string? BackEnd, NetfilterFamily Family, RuleNotation Notation, bool ListsAll, IReadOnlyList<Table> Tables)
{
    /// <summary>
    /// Whether the kernel would do the same without these tables: no rule, no chain of a user's, every policy ACCEPT. A table of nft's own is
    /// always something.
    /// </summary>
    public bool IsBlank => Notation != RuleNotation.Nft && Tables.All(IsBlankTable);

    /// <summary>The groups of a side's rulesets.</summary>
    public static List<TableGroup> Of(ComparedRules side)
    {
        var groups = new List<TableGroup>();
        foreach (Ruleset ruleset in side.Rulesets)
        {
            RuleNotation notation = ruleset.Format switch
            {
                RulesetFormat.NftJson => RuleNotation.Nft,
                RulesetFormat.IptablesSave or RulesetFormat.ListRules => RuleNotation.Commands,
                _ => RuleNotation.Listing,
            };
            string? backEnd = notation == RuleNotation.Nft ? BackEnds.Nft : ruleset.BackEnd;
            NetfilterFamily declared = ruleset.DeclaredFamily is var known and not NetfilterFamily.Unknown ? known : NetfilterFamily.IPv4;
            IEnumerable<NetfilterFamily> families = ruleset.TableList.Count > 0 || notation == RuleNotation.Nft
                ? ruleset.TableList.Select(table => table.Family).Distinct()
                : [declared];
            foreach (NetfilterFamily family in families)
            {
                Table[] tables = [.. ruleset.TableList.Where(table => table.Family == family)];
                var group = new TableGroup(backEnd, family, notation, ruleset.ListsEveryTable, tables);
                // Texts that show a table each.
                int same = groups.FindIndex(other => other.BackEnd == backEnd && other.Family == family && other.Notation == notation);
                if (same < 0)
                    groups.Add(group);
                else
                    groups[same] = groups[same] with { ListsAll = groups[same].ListsAll || group.ListsAll, Tables = [.. groups[same].Tables, .. group.Tables] };
            }
        }

        return groups;
    }

    /// <summary>Whether a table has no rule, no chain of a user's, and every policy ACCEPT.</summary>
    public static bool IsBlankTable(Table table) => table.Chains.All(chain => chain.IsBuiltIn && chain.RuleCount == 0 && chain.Policy is ChainPolicy.Accept or ChainPolicy.None);
}
