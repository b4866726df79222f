using NatDsa.Netfilter;
using NatDsa.Resources;

namespace NatDsa.Probe;

/// <summary>The rules in a host's kernel: what each back end shows of each family.</summary>
/// <param name="Rulesets">What could be read.</param>
/// <param name="Fault">Why something could not be; null when all was read.</param>
internal sealed record RunningRules(IReadOnlyList<Ruleset> Rulesets, Fault? Fault)
{
    private const string IPv6 = "save.ip6tables";

    /// <summary>Those that can hold IPv4 rules: the NAT is IPv4's, and rules of IPv6 alone don't bring it back.</summary>
    public IReadOnlyList<Ruleset> WithIPv4 => [.. Rulesets.Where(r => r.Family != NetfilterFamily.IPv6)];

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
        if (sections.Length == 0)
            return new RunningRules([], host.Answer.IsComplete
                ? new Fault(ErrorIds.IptablesMissing, Messages.IptablesMissing.With(name))
                : new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(name)));

        var rulesets = new List<Ruleset>();
        Fault? fault = host.Answer.IsComplete ? null : new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(name));
        foreach (Section section in sections)
        {
            if (section.ExitCode != 0)
            {
                // A host without IPv6 has no IPv6 rules, and the NAT is IPv4's.
                if (!section.Name.StartsWith(IPv6, StringComparison.Ordinal))
                    fault ??= WhyUnread(host, section);
                continue;
            }

            // No table in use: iptables-save prints nothing.
            if (string.IsNullOrWhiteSpace(section.Text))
                continue;
            try
            {
                rulesets.Add(RulesetReader.Read(section.Text, RulesetReadMode.Lenient));
            }
            catch (RulesetSyntaxException e)
            {
                fault ??= new Fault(ErrorIds.StateUnknown, Messages.RulesUnreadable.With(name, section.Name, e.Message));
            }
        }

        if (NativeTables(host.Answer) is { Length: > 0 } native)
            fault ??= new Fault(ErrorIds.StateUnknown, Messages.NativeNftTables.With(name, string.Join(", ", native)));
        return new RunningRules(rulesets, fault);
    }

    // "table inet firewalld": a table that is none of iptables' own holds rules that iptables-save cannot show.
    private static string[] NativeTables(FramedAnswer answer)
    {
        if (!answer.TryGet("nft.tables", out Section? section))
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
