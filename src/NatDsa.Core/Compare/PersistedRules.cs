using NatDsa.Boot;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>The rules that a host loads at boot, as a side of a comparison.</summary>
internal static class PersistedRules
{
    /// <summary>Reads the files of the service that loads them. The fault says what is not known, or, without rules, why there are none.</summary>
    public static (ComparedRules? Rules, Fault? Fault) Read(HostSnapshot host)
    {
        string name = host.ComputerName ?? "";
        if (RuleService.Of(host) is not { } service)
            return (null, new Fault(ErrorIds.NotComparable, Messages.PersistedNoService.With(name)));

        var rulesets = new List<Ruleset>();
        foreach ((string file, NetfilterFamily family) in FilesOf(service))
        {
            // No file: the service loads nothing.
            if (host.Answer["file." + file] is not { } section)
                continue;
            if (section.ExitCode != 0)
                return (null, new Fault(section.TimedOut ? ErrorIds.TimedOut : ErrorIds.PermissionDenied, Messages.PersistedUnreadable.With(name, file, section.Error)));
            if (!string.IsNullOrWhiteSpace(section.Text))
                rulesets.Add(RulesetReader.Read(section.Text, RulesetReadMode.Lenient, family));
        }

        // A script for nft -f is not read.
        Fault? fault = RunningRules.Read(host).Rulesets.Any(ruleset => ruleset.Format == RulesetFormat.NftJson)
            ? new Fault(ErrorIds.NotComparable, Messages.PersistedNative.With(name)) : null;
        return (new ComparedRules(service.RulesFile, rulesets, IsWhole: true), fault);
    }

    /// <summary>The running rules without what no persisted file that is read could hold: native nft tables.</summary>
    public static ComparedRules Comparable(ComparedRules running) =>
        running with { Rulesets = [.. running.Rulesets.Where(ruleset => ruleset.Format != RulesetFormat.NftJson)] };

    private static (string File, NetfilterFamily Family)[] FilesOf(RuleService service) => service.RulesFile switch
    {
        "/etc/sysconfig/iptables" => [(service.RulesFile, NetfilterFamily.IPv4), ("/etc/sysconfig/ip6tables", NetfilterFamily.IPv6)],
        _ => [(service.RulesFile, NetfilterFamily.IPv4), ("/etc/iptables/rules.v6", NetfilterFamily.IPv6)],
    };
}
