using NatDsa.Netfilter;
using NatDsa.Resources;

namespace NatDsa.Probe;

/// <summary>The rules in a host's kernel: what each back end of iptables shows of each family, and what only nft shows.</summary>
/// <param name="Rulesets">What could be read.</param>
/// <param name="Fault">Why something could not be; null when all was read, leaving IPv6 aside.</param>
internal sealed record RunningRules(IReadOnlyList<Ruleset> Rulesets, Fault? Fault)
{
    /// <summary>Why something could not be read, IPv6 or not; null when all was.</summary>
    public Fault? Unread { get; private init; } = Fault;

    private const string IPv6 = "save.ip6tables";
    private const string Nft = "nft.ruleset";
    private const string NftTables = "nft.tables";

    /// <summary>Those that can hold IPv4 rules: the NAT is IPv4's, and rules of IPv6 alone don't bring it back.</summary>
    public IReadOnlyList<Ruleset> WithIPv4 => [.. Rulesets.Where(NatAssessment.IsAboutIPv4)];

    public static RunningRules Read(HostSnapshot host)
    {
        string name = host.ComputerName ?? "";
        if (!host.IsLinux)
        {
            return new RunningRules([], host.Kernel is null
                ? new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(name))
                : new Fault(ErrorIds.NotLinux, Messages.NotLinux.With(name)));
        }

        Section[] sections = [.. host.Answer.Sections.Values.Where(s => s.Name.StartsWith("save.", StringComparison.Ordinal))];
        if (sections.Length == 0 && !host.Answer.TryGet(Nft, out _))
            return new RunningRules([], host.Answer.IsComplete
                ? new Fault(ErrorIds.IptablesMissing, Messages.IptablesMissing.With(name))
                : new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(name)));

        var rulesets = new List<Ruleset>();
        Fault? fault = host.Answer.IsComplete ? null : new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(name));
        Fault? unreadIPv6 = null;
        foreach (Section section in sections)
        {
            if (section.ExitCode != 0)
            {
                // A host without IPv6 has no IPv6 rules, and the NAT is IPv4's.
                if (!section.Name.StartsWith(IPv6, StringComparison.Ordinal))
                    fault ??= WhyUnread(host, section);
                else if (host.Answer["host"]?.Fact("forwarding.ipv6") is not null)
                    unreadIPv6 ??= WhyUnread(host, section);
                continue;
            }

            // No table in use: iptables-save prints nothing. Before version 1.6 it does so, and succeeds, for one who may not see the tables.
            if (!string.IsNullOrWhiteSpace(section.Text))
                rulesets.Add(Read(section, host.ComputerName));
            else if (!host.IsRoot)
                fault ??= new Fault(ErrorIds.PermissionDenied, Messages.RulesNeedRoot.With(name));
        }

        if (host.Answer.TryGet(Nft, out Section? native))
        {
            Ruleset ruleset = RulesetReader.Read(native.Text, RulesetReadMode.Lenient);
            (ruleset.BackEnd, ruleset.ComputerName) = ("nft", host.ComputerName);
            LeaveOutWhatIptablesShows(ruleset, rulesets);
            if (ruleset.TableList.Count > 0 || ruleset.IsPartial)
                rulesets.Add(ruleset);
        }
        else
        {
            fault ??= WhyNativeUnread(host);
        }

        return new RunningRules(rulesets, fault) { Unread = fault ?? unreadIPv6 };
    }

    private static Ruleset Read(Section section, string? computerName)
    {
        string backEnd = section.Name["save.".Length..];
        Ruleset ruleset = RulesetReader.Read(section.Text, RulesetReadMode.Lenient, BackEnds.FamilyOf(backEnd));
        (ruleset.BackEnd, ruleset.ComputerName) = (backEnd, computerName);
        return ruleset;
    }

    /// <summary>
    /// nft shows the tables of iptables-nft too. They stay as iptables-save has them, which knows every option of theirs. The table of another,
    /// whose name says nothing, is told by its chains and targets.
    /// </summary>
    private static void LeaveOutWhatIptablesShows(Ruleset nft, IReadOnlyList<Ruleset> saved)
    {
        foreach (Table table in nft.TableList.ToArray())
        {
            IEnumerable<Table> same = saved.SelectMany(ruleset => ruleset.TableList)
                .Where(other => other.Family == table.Family && other.Name == table.Name);
            if (same.Any(other => Shows(other, table)))
                nft.Remove(table);
        }
    }

    private static bool Shows(Table saved, Table nft)
    {
        foreach (Chain chain in nft.Chains)
        {
            if (saved.Chains.Find(chain.Name) is not { } other || other.Hook != chain.Hook || other.Rules.Count != chain.Rules.Count)
                return false;
            for (int i = 0; i < chain.Rules.Count; i++)
            {
                // An nft that can't print a target leaves it open.
                if (chain.Rules[i].Target is { } target && target != other.Rules[i].Target)
                    return false;
            }
        }

        return true;
    }

    /// <summary>Why native rules that may be there are not known; null when there are none.</summary>
    private static Fault? WhyNativeUnread(HostSnapshot host)
    {
        string name = host.ComputerName ?? "";
        if (NativeTables(host.Answer) is { Length: > 0 } native)
            return new Fault(ErrorIds.StateUnknown, Messages.NativeNftTables.With(name, string.Join(", ", native)));
        return host.Answer[NftTables] is { TimedOut: true }
            ? new Fault(ErrorIds.TimedOut, Messages.RulesTimedOut.With(name, "nft", HostScripts.SectionLimit.TotalSeconds))
            : null;
    }

    // "table inet firewalld": a table that is none of iptables' own holds rules that iptables-save cannot show.
    private static string[] NativeTables(FramedAnswer answer)
    {
        if (!answer.TryGet(NftTables, out Section? section))
            return [];
        string[] ours = ["raw", "mangle", "nat", "filter", "security"];
        return
        [
            .. from line in section.Text.Split('\n')
               let words = Untrusted.OneLine(line).Split(' ')
               where words is ["table", _, _] && !(words[1] is "ip" or "ip6" && ours.Contains(words[2]))
               select $"{words[1]} {words[2]}",
        ];
    }

    private static Fault WhyUnread(HostSnapshot host, Section section)
    {
        string name = host.ComputerName ?? "";
        string tool = section.Name["save.".Length..];
        if (section.TimedOut)
            return new Fault(ErrorIds.TimedOut, Messages.RulesTimedOut.With(name, tool, HostScripts.SectionLimit.TotalSeconds));
        if (!host.IsRoot)
            return new Fault(ErrorIds.PermissionDenied, Messages.RulesNeedRoot.With(name));
        return new Fault(ErrorIds.StateUnknown, Messages.RulesUnreadable.With(name, tool, section.Error));
    }
}
