using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Boot;

/// <summary>Whether persisted rules are worth loading: whole, and with source NAT.</summary>
internal static class PersistedNat
{
    /// <summary>
    /// The persisted rules of a host that do source NAT, and the service that loads them; null: none that may be
    /// loaded.
    /// </summary>
    public static (RuleService Service, Ruleset Rules)? Of(HostSnapshot host)
    {
        foreach (RuleService service in RuleService.Read(host))
        {
            if (WhyNot(host, service.RulesFile) is null)
                return (service, RulesetReader.Read(host.Answer["file." + service.RulesFile]!.Text));
        }

        return null;
    }

    /// <summary>Why the persisted rules of a host are not rules that may be loaded; null when they are.</summary>
    public static string? WhyNot(HostSnapshot host, string rulesFile)
    {
        if (host.Answer["file." + rulesFile] is not { } section)
            return Messages.RulesFileMissing.With(rulesFile);
        if (section.ExitCode != 0)
            return Messages.RulesFileUnreadable.With(rulesFile, section.Error);
        return WhyNot(section.Text, rulesFile);
    }

    /// <summary>Why a text is not rules that may be loaded; null when it is.</summary>
    /// <param name="text">The text of an iptables-save file.</param>
    /// <param name="path">Where it is from, for the reason.</param>
    public static string? WhyNot(string text, string path)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Messages.RulesFileEmpty.With(path);
        try
        {
            Ruleset rules = RulesetReader.Read(text);
            if (rules.Format != RulesetFormat.IptablesSave)
                return Messages.RulesFileForeign.With(path);
            NatAssessment nat = NatAssessment.Of([rules], forwarding: true);
            return nat.Status == NatStatus.Healthy ? null : Messages.RulesFileWithoutNat.With(path, nat.Reason);
        }
        catch (RulesetSyntaxException e)
        {
            return Messages.RulesFileBroken.With(path, e.Message);
        }
    }
}
