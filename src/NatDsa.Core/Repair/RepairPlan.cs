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

    /// <summary>The plan as a change of the host.</summary>
    /// <param name="options">What the plan was made from.</param>
    /// <param name="id">Names the repair's folder on the host: letters, digits and hyphens.</param>
    public Transaction ToTransaction(RepairOptions options, string id) =>
        new(id, [.. Steps.Select(s => s.ScriptName)], Host.Answer["change.digest"]?.Text.Trim() ?? "")
        {
            IPv4 = IPv4,
            IPv6 = IPv6,
            SourceNat = IPv4 is not null,
            Markers = NeedsMarker ? [DsaMarker.UseDsaWithIptables.Path()] : [],
            Service = Service,
            Start = Start,
            Limits = options,
        };

    /// <summary>Whether rules are loaded that the host did not have.</summary>
    public bool LoadsNewRules => IPv4 is { NewRules: not null };

    private IReadOnlyList<string> Start { get; init; } = [];

    private RuleLoad? IPv4 { get; init; }

    private RuleLoad? IPv6 { get; init; }

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
        RuleLoad? ipv4 = rulesAreGone ? new RuleLoad("iptables", service!.RulesFile, options.NewRules) : null;
        RuleLoad? ipv6 = service is not null && !FirewalldRuns && IPv6RulesAreGone(service) ? new RuleLoad("ip6tables", service.RulesFile6) : null;
        // A service that loads IPv6 rules is not started over others that run.
        string[] start = !rulesAreGone ? []
            : [.. service!.NotStarted.Where(s => s == "iptables" || ipv6 is not null || Host.Answer["file." + service.RulesFile6] is null)];
        return new RepairPlan(Host, Before, Agent)
        {
            Service = service,
            Start = start,
            IPv4 = ipv4,
            IPv6 = ipv6,
            Steps = [.. Steps()],
        };

        IEnumerable<RepairStep> Steps()
        {
            RuleLoad[] loads = [.. new[] { ipv4, ipv6 }.OfType<RuleLoad>()];
            if (loads.Length == 0 && !markerIsMissing && !bootIsMissing)
                yield break;
            if (loads.Length > 0)
                yield return Step("CheckRules", "check", Messages.StepCheck, Commands(load => $"{load.Tool}-restore --test <{Source(load)}"));
            yield return Step("Backup", "backup", Messages.StepBackup, "iptables-save -c; ip6tables-save -c; cp -p …");
            if (markerIsMissing)
                yield return Step("CreateMarker", "marker", marker!.Reason, $"touch {marker.Path}", $"rm {marker.Path}");
            if (loads.Length > 0)
                yield return Step("LoadRules", "rules", rulesAreGone ? Before.Reason : Messages.StepLoadIPv6.With(ipv6!.File), Commands(load => $"{load.Tool}-restore <{Source(load)}"), Commands(load => $"{load.Tool}-restore -c <…"));
            if (install)
                yield return Step("InstallRules", "install", Messages.StepInstall.With(options.NewRulesPath), $"{options.NewRulesPath} → {ipv4!.File}", ipv4.File);
            if (start.Length > 0)
                yield return Step("StartService", "service", Messages.StepService.With(start[0]), service!.Command("start", start), service.Command("stop", start));
            if (bootIsMissing)
                yield return Step("EnableAtBoot", "boot", Messages.StepBoot.With(service!.Services[0]), service.EnableCommand, service.DisableCommand);
            if (restartAgent)
                yield return Step("RestartAgent", "agent", Messages.StepAgent, AgentCommand("restart"), AgentCommand("start"));

            string Commands(Func<RuleLoad, string> command) => string.Join("; ", loads.Select(command));

            string Source(RuleLoad load) => load.NewRules is null ? load.File : options.NewRulesPath!;
        }
    }

    // A table of IPv6 without a rule, where the persisted rules have some. The agent that erases rules erases these too.
    private bool IPv6RulesAreGone(RuleService service)
    {
        // Where nft has tables of its own, they may be what takes the place of iptables' rules.
        if (Before.Rulesets.Any(ruleset => ruleset.Format == RulesetFormat.NftJson))
            return false;
        if (Host.Answer["host"]?.Fact("forwarding.ipv6") is null || !Host.Answer.TryGet("file." + service.RulesFile6, out Section? file))
            return false;
        Section[] running = [.. Host.Answer.Sections.Values.Where(s => s.Name.StartsWith("save.ip6tables", StringComparison.Ordinal))];
        return running.Length > 0
            && Array.TrueForAll(running, s => s.ExitCode == 0 && IsWithoutRules(s.Text) == true)
            && IsWithoutRules(file.Text) == false;
    }

    // Null when the text can't be read whole.
    private static bool? IsWithoutRules(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return true;
        Ruleset rules = RulesetReader.Read(text, RulesetReadMode.Lenient, NetfilterFamily.IPv6);
        return rules.IsPartial || rules.Format != RulesetFormat.IptablesSave ? null
            : !rules.Tables.SelectMany(table => table.Rules).Any(rule => !AgentPortRules.Contains(rule));
    }

    private string AgentCommand(string action) =>
        Host.Answer["agent.files"]?.Fact("unit") == "ds_agent" ? $"systemctl {action} ds_agent" : $"/etc/init.d/ds_agent {action}";

    private static RepairStep Step(string name, string scriptName, string reason, string command, string? undo = null) =>
        new() { Name = name, ScriptName = scriptName, Reason = reason, Command = command, Undo = undo };

    /// <summary>Why the persisted rules of a host are not rules that a repair may load; null when they are.</summary>
    internal static string? WhyNoSourceNat(HostSnapshot host, string rulesFile)
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
}
