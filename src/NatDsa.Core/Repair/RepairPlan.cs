using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Repair;

/// <summary>
/// What a repair will do to one host, worked out from what was read of it. The order is the article's: the marker, the
/// rules, the agent; in front of it a check of the rules and a backup, behind it nothing that could fail.
/// </summary>
internal sealed class RepairPlan
{
    private RepairPlan(HostSnapshot host, NatIptablesState before, DsaAgentState agent)
    {
        Host = host;
        Before = before;
        Agent = agent;
    }

    /// <summary>What was read.</summary>
    public HostSnapshot Host { get; }

    /// <summary>The rules as they are.</summary>
    public NatIptablesState Before { get; }

    /// <summary>The agent as it is.</summary>
    public DsaAgentState Agent { get; }

    /// <summary>The steps, in order; empty when nothing is to be done.</summary>
    public IReadOnlyList<RepairStep> Steps { get; private init; } = [];

    /// <summary>Why nothing will be done although something should be; null when the plan can be carried out.</summary>
    public Fault? Refusal { get; private init; }

    private RuleService? Service { get; init; }

    private string Name => Host.ComputerName ?? "";

    /// <summary>Works out the plan.</summary>
    public static RepairPlan For(HostSnapshot host, RepairOptions options)
    {
        var plan = new RepairPlan(host, NatIptablesState.Read(host), DsaAgentState.Read(host));
        return plan.WhyNotAtAll() is { } fault ? plan.Refuse(fault) : plan.Decide(options);
    }

    /// <summary>The plan as one script.</summary>
    /// <param name="options">What the plan was made from.</param>
    /// <param name="id">Names the repair's folder on the host: letters, digits and hyphens.</param>
    public HostScript ToScript(RepairOptions options, string id) =>
        HostScript.Load("frame.sh", "files.sh", "read.sh", "repair.sh")
            .Reading(ProbeSections.All)
            .With("ID", id)
            .With("STEPS", string.Join(' ', Steps.Select(s => s.ScriptName)))
            .With("RULES_FILE", Service?.RulesFile ?? "")
            .With("NEW_RULES", Changes("install") ? options.NewRules! : "")
            .With("MARKERS", NeedsMarker ? DsaMarker.UseDsaWithIptables.Path() : "")
            .With("SERVICES", string.Join(' ', Service?.Services ?? []))
            .With("MANAGER", Service is { Systemd: true } ? "systemd" : "sysv")
            .With("STEP_SECONDS", HostScripts.Seconds(options.StepLimit))
            .With("AGENT_SECONDS", HostScripts.Seconds(options.AgentLimit))
            .With("SETTLE_SECONDS", HostScripts.Seconds(options.Settle));

    // An agent that erases nothing starts without a marker: then its absence is no failure.
    private bool NeedsMarker => Changes("marker") || Agent.Markers.Any(m => m is { Marker: DsaMarker.UseDsaWithIptables, Usable: true });

    private bool Changes(string scriptName) => Steps.Any(s => s.ScriptName == scriptName);

    private Fault? WhyNotAtAll()
    {
        if (!Host.IsLinux)
            return new Fault(ErrorIds.NotLinux, Messages.NotLinux.With(Name));
        if (!Host.IsRoot)
            return new Fault(ErrorIds.PermissionDenied, Messages.RepairNeedsRoot.With(Name));
        if (Before.Status == NatStatus.Unknown)
            return Before.Fault ?? new Fault(ErrorIds.StateUnknown, Messages.RepairStateUnknown.With(Name, Before.Reason));
        return null;
    }

    private RepairPlan Refuse(Fault fault) => new(Host, Before, Agent) { Refusal = fault };

    private RepairPlan Decide(RepairOptions options)
    {
        bool rulesAreGone = Before.Status is NatStatus.Erased or NatStatus.NatMissing;
        RuleService? service = null;
        bool serviceHoldsNat = false;
        string whyNot = Messages.NoRuleService;
        foreach (RuleService candidate in RuleService.Read(Host))
        {
            service ??= candidate;
            string? reason = WhyNoSourceNat(Host, candidate.RulesFile);
            if (reason is null)
            {
                (service, serviceHoldsNat) = (candidate, true);
                break;
            }

            if (service == candidate)
                whyNot = reason;
        }

        if (rulesAreGone)
        {
            // Where nft did the NAT, rules of iptables would be other rules.
            if (options.NewRules is null && NftablesService.FileWithSourceNat(Host) is { } native && (!serviceHoldsNat || NftablesService.StartsAtBoot(Host)))
                return Refuse(new Fault(ErrorIds.NothingToRestore, Messages.NativeNatGone.With(Name, native)));
            if (service is null || (options.NewRules is null && !serviceHoldsNat))
                return Refuse(new Fault(ErrorIds.NothingToRestore, Messages.NothingToRestore.With(Name, whyNot)));
            if (FirewalldRuns)
                return Refuse(new Fault(ErrorIds.ForeignRules, Messages.FirewalldRuns.With(Name, service.Services[0])));
            if (Before.Status == NatStatus.NatMissing && Owners().ToList() is { Count: > 0 } owners)
                return Refuse(new Fault(ErrorIds.ForeignRules, Messages.ForeignRules.With(Name, string.Join(", ", owners), service.Services[0])));
        }

        DsaMarkerFile? marker = Agent.Markers.FirstOrDefault(m => m.Marker == DsaMarker.UseDsaWithIptables);
        bool markerIsMissing = Agent.Installed && marker is not { Sufficient: true };
        if (markerIsMissing && marker is null)
            return Refuse(new Fault(ErrorIds.StateUnknown, Messages.RepairMarkerUnseen.With(Name)));
        if (markerIsMissing && marker!.Present)
            return Refuse(new Fault(ErrorIds.MarkerUnusable, Messages.MarkerUnusable.With(Name, marker.Path, marker.Kind)));

        bool agentErases = Agent.Installed && Agent.Risk is not DsaRisk.DoesNotErase;
        bool bootIsMissing = service is { StartsAtBoot: false } && !FirewalldRuns && (rulesAreGone || (agentErases && serviceHoldsNat));
        bool restartAgent = rulesAreGone && Agent.Installed && !options.SkipAgentRestart;
        bool install = rulesAreGone && options.NewRules is not null;
        bool holdSaving = rulesAreGone && SavesOnRestart();
        bool releaseSaving = holdSaving || HoldsSaving();
        return new RepairPlan(Host, Before, Agent)
        {
            Service = service,
            Steps = [.. Steps()],
        };

        IEnumerable<RepairStep> Steps()
        {
            if (!rulesAreGone && !markerIsMissing && !bootIsMissing && !releaseSaving)
                yield break;
            string file = service?.RulesFile ?? "";
            if (rulesAreGone)
                yield return Step("CheckRules", "check", Messages.StepCheck, $"iptables-restore --test <{(install ? options.NewRulesPath : file)}");
            yield return Step("Backup", "backup", Messages.StepBackup, "iptables-save -c; ip6tables-save -c; cp -p …");
            if (markerIsMissing)
                yield return Step("CreateMarker", "marker", marker!.Reason, $"touch {marker.Path}", $"rm {marker.Path}");
            if (holdSaving)
                yield return Step("HoldSaving", "config", Messages.StepHoldSaving.With(file), $"{file}-config: IPTABLES_SAVE_ON_RESTART=\"no\"", $"{file}-config");
            if (install)
                yield return Step("InstallRules", "install", Messages.StepInstall.With(options.NewRulesPath), $"{options.NewRulesPath} → {file}", file);
            if (rulesAreGone)
                yield return Step("RestartIptables", "rules", Before.Reason, service!.RestartCommand, "iptables-restore -c <…");
            if (bootIsMissing)
                yield return Step("EnableAtBoot", "boot", Messages.StepBoot.With(service!.Services[0]), service.EnableCommand, service.DisableCommand);
            if (restartAgent)
                yield return Step("RestartAgent", "agent", Messages.StepAgent, "/etc/init.d/ds_agent restart", "/etc/init.d/ds_agent start");
            if (releaseSaving)
                yield return Step("ReleaseSaving", "settings", Messages.StepReleaseSaving, $"{file}-config");
        }
    }

    private static RepairStep Step(string name, string scriptName, string reason, string command, string? undo = null) =>
        new() { Name = name, ScriptName = scriptName, Reason = reason, Command = command, Undo = undo };

    private static string? WhyNoSourceNat(HostSnapshot host, string rulesFile)
    {
        if (host.Answer["file." + rulesFile] is not { } section)
            return Messages.RulesFileMissing.With(rulesFile);
        if (section.ExitCode != 0)
            return Messages.RulesFileUnreadable.With(rulesFile, section.Error);
        return WhyNoSourceNat(section.Text, rulesFile);
    }

    /// <summary>Why a text is not rules that a repair may load; null when it is.</summary>
    /// <param name="text">The text of an iptables-save file.</param>
    /// <param name="path">Where it is from, for the reason.</param>
    internal static string? WhyNoSourceNat(string text, string path)
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

    // systemd stops firewalld when the iptables service starts: where firewalld runs, the rules are not that service's.
    private bool FirewalldRuns => OwningProcesses().Contains("firewalld");

    // By their processes, and by the chains of those that have none, such as ufw. A restart leaves tables of nft's own alone.
    private IEnumerable<string> Owners()
    {
        string[] processes = [.. OwningProcesses()];
        return processes.Concat(Before.Rulesets
            .Where(ruleset => ruleset.Format != RulesetFormat.NftJson)
            .SelectMany(ruleset => ruleset.Tables.SelectMany(table => table.Chains))
            .Select(chain => chain.Owner)
            .Where(owner => owner != RuleOwner.None)
            .Select(owner => owner.ToString())
            .Distinct()
            .Where(owner => !processes.Any(process => process.Contains(owner, StringComparison.OrdinalIgnoreCase))));
    }

    private IEnumerable<string> OwningProcesses() =>
        Host.Answer["service"]?.Facts().Where(f => f.Key == "owner").Select(f => f.Value).Distinct() ?? [];

    private bool SavesOnRestart() => Configs().Any(text => text.Split('\n').Any(line =>
        line.TrimStart() is var setting
        && (setting.StartsWith("IPTABLES_SAVE_ON_", StringComparison.Ordinal) || setting.StartsWith("IP6TABLES_SAVE_ON_", StringComparison.Ordinal))
        && setting.Contains("yes", StringComparison.Ordinal)));

    // repair.sh marks the lines that it adds.
    private bool HoldsSaving() => Configs().Any(text => text.Split('\n').Contains("# natdsa: no saving during a repair"));

    private IEnumerable<string> Configs()
    {
        string[] files = ["/etc/sysconfig/iptables-config", "/etc/sysconfig/ip6tables-config"];
        foreach (string file in files)
        {
            if (Host.Answer.TryGet("file." + file, out Section? section))
                yield return section.Text;
        }
    }
}
