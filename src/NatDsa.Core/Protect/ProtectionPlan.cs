using System.Text;
using NatDsa.Agent;
using NatDsa.Boot;
using NatDsa.Change;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Protect;

/// <summary>
/// What keeps a host's NAT through the next start of the agent, and through a reboot: the markers for the agent's version, persisted rules that
/// are those that run, and a service that loads them at boot. Nothing that runs is touched.
/// </summary>
internal sealed class ProtectionPlan : ChangePlan
{
    private readonly bool _saveRules;
    private readonly RuleService? _service;
    private readonly IReadOnlyList<DsaMarkerFile> _missing;
    private readonly List<FileInstall> _installs = [];
    private string? _whyNotSaved;

    private ProtectionPlan(HostSnapshot host, bool saveRules)
        : base(host)
    {
        _saveRules = saveRules;
        _service = RuleService.Of(host);
        _missing = [.. Agent.Markers.Where(marker => IsRightFor(marker.Marker, Agent) && !marker.Usable)];
        Refusal = WhyNotAtAll() ?? WhyNoMarker();
        if (Refusal is null)
            Steps = [.. PlannedSteps()];
    }

    /// <summary>Works out the plan.</summary>
    /// <param name="host">What was read.</param>
    /// <param name="saveRules">Whether the running rules are to become the persisted ones where they differ.</param>
    public static ProtectionPlan For(HostSnapshot host, bool saveRules) => new(host, saveRules);

    /// <inheritdoc/>
    public override string FailureId => ErrorIds.NotProtected;

    /// <inheritdoc/>
    public override Transaction ToTransaction() => new([.. Steps.Select(s => s.ScriptName)])
    {
        Installs = _installs,
        Markers = [.. Agent.Markers.Where(marker => IsRightFor(marker.Marker, Agent)).Select(marker => marker.Path)],
        Service = _service,
    };

    /// <inheritdoc/>
    public override ChangeVerdict Judge(NatIptablesState after, DsaAgentState agent, string? done, HostSnapshot now)
    {
        string[] open = [.. WhatIsOpen(after, agent, now)];
        if (open.Length > 0)
            return ChangeVerdict.Incomplete(new Fault(ErrorIds.NotProtected, Messages.NotProtected.With(Name, string.Join(" ", open))));
        return new(done is null ? ChangeOutcome.NothingToDo : ChangeOutcome.Done, $"{agent.Reason} {BootReadiness.Of(now, after, agent).Reason}");
    }

    /// <summary>What can still take the NAT away, or is to be known: most important first.</summary>
    public IEnumerable<string> RisksLeft(NatIptablesState after, DsaAgentState agent, HostSnapshot now) => WhatIsOpen(after, agent, now).Concat(WhatIsToBeKnown(after, agent));

    private IEnumerable<string> WhatIsOpen(NatIptablesState after, DsaAgentState agent, HostSnapshot now)
    {
        if (after.Status == NatStatus.Incomplete)
            yield return after.Reason;
        else if (after.Status != NatStatus.Healthy)
            yield return Messages.ProtectNatNotWorking.With(after.Reason);
        if (agent.Risk is DsaRisk.ErasesOnNextStart or DsaRisk.ErasesWhenModuleTurnedOn or DsaRisk.Unknown)
            yield return agent.RiskReason;
        if (after.Status == NatStatus.Healthy && BootReadiness.Of(now, after, agent) is { Ready: false } boot)
            yield return Messages.ProtectBoot.With(boot.Reason);
        if (_whyNotSaved is not null)
            yield return _whyNotSaved;
        else if (after.Status is NatStatus.Healthy or NatStatus.Incomplete && Unsaved(now) is { Count: > 0 } unsaved)
            yield return Messages.ProtectUnsaved.With(unsaved.Count, unsaved[0]);
    }

    private IEnumerable<string> WhatIsToBeKnown(NatIptablesState after, DsaAgentState agent)
    {
        if (agent.Gap is { } gap)
            yield return gap;
        bool filters = after.Rulesets.Any(ruleset => ruleset.FindTable("filter")?.Chains.FirstOrDefault(chain => chain.Name == "INPUT") is { } input && (input.Policy == ChainPolicy.Drop || input.Rules.Any(rule => rule.Target is "DROP" or "REJECT")));
        if (filters && IsRightFor(DsaMarker.DoNotOpenPortsOnIptables, agent))
            yield return Messages.ProtectPortsClosed;
        if (OwningProcesses().ToList() is { Count: > 0 } owners)
            yield return Messages.ProtectOwners.With(string.Join(", ", owners));
    }

    // Both, where an agent of any version may come.
    private static bool IsRightFor(DsaMarker marker, DsaAgentState agent) => marker switch
    {
        DsaMarker.UseDsaWithIptables => !(agent.Release >= AgentVersion.FirstThatDoesNotErase),
        _ => !agent.Installed || agent.Release >= AgentVersion.FirstThatDoesNotErase,
    };

    private Fault? WhyNoMarker()
    {
        if (Agent.Markers.Count == 0)
            return new Fault(ErrorIds.StateUnknown, Messages.RepairMarkerUnseen.With(Name));
        return _missing.FirstOrDefault(marker => marker.Present) is { } unusable
            ? new Fault(ErrorIds.MarkerUnusable, Messages.MarkerUnusable.With(Name, unusable.Path, unusable.Kind))
            : null;
    }

    private IEnumerable<ChangeStep> PlannedSteps()
    {
        IReadOnlyList<RuleDifference> unsaved = Unsaved(Host);
        if (unsaved.Count > 0 && _saveRules)
            _whyNotSaved = PlanInstalls(unsaved);
        bool persisted = _service is not null && (_installs.Count > 0 || PersistedNat.WhyNot(Host, _service.RulesFile) is null);
        bool boot = _service is { StartsAtBoot: false } && persisted && !HostOwner.Read(Host).Any(owner => owner.IsFirewall);
        if (_missing.Count == 0 && _installs.Count == 0 && !boot)
            yield break;
        string files = string.Join(", ", _installs.Select(install => install.File));
        if (_installs.Count > 0)
            yield return Step("CheckRules", "check", Messages.StepCheck, "iptables-save | iptables-restore --test");
        yield return Step("Backup", "backup", Messages.StepBackup, "iptables-save -c; ip6tables-save -c; cp -p …");
        if (_missing.Count > 0)
        {
            string markers = string.Join(' ', _missing.Select(marker => marker.Path));
            yield return Step("CreateMarker", "marker", string.Join(' ', _missing.Select(ReasonOf)), $"touch {markers}", $"rm {markers}");
        }

        if (_installs.Count > 0)
            yield return Step("SaveRules", "install", Messages.StepSaveRules.With(unsaved.Count, unsaved[0]), $"iptables-save → {files}", files);
        if (boot)
            yield return Step("EnableAtBoot", "boot", Messages.StepEnable.With(_service!.Services[0]), _service.EnableCommand, _service.DisableCommand);
    }

    private string ReasonOf(DsaMarkerFile marker) =>
        marker.Marker == DsaMarker.UseDsaWithIptables ? marker.Cause : Messages.ProtectPortsMarker;

    // In what the running rules are not what would be loaded at boot; the rules that the agent adds for itself do not count.
    private static IReadOnlyList<RuleDifference> Unsaved(HostSnapshot host)
    {
        (ComparedRules? persisted, _) = PersistedRules.Read(host);
        if (persisted is null)
            return [];
        RulesetComparison comparison = RulesetComparison.Of(persisted, PersistedRules.Comparable(ComparedRules.Of(NatIptablesState.Read(host))), includeCounters: false);
        return
        [
            .. comparison.Differences.Where(difference =>
                (difference.FoundRule ?? difference.ExpectedRule) is not { } rule || !AgentPortRules.Contains(rule)),
        ];
    }

    // Null, and the files to write; or why the rules cannot be saved. Those of a host without NAT would take the place of better ones.
    private string? PlanInstalls(IReadOnlyList<RuleDifference> unsaved)
    {
        // What is persisted may be the only copy of what should run beside the owners' rules. Who has made rules may
        // save them.
        bool onlyGuests = Before.SourceNatRules.All(rule => MissingNat.IsOfGuests(rule.Owner));
        if (Before.Status == NatStatus.Incomplete && onlyGuests)
            return Messages.ProtectIncomplete.With(_service!.RulesFile);
        if (Before.Status is not (NatStatus.Healthy or NatStatus.Incomplete))
            return null;
        if (OwningProcesses().ToList() is { Count: > 0 } owners)
            return Messages.ProtectForeignRules.With(string.Join(", ", owners));
        foreach ((string family, string file) in new[] { ("iptables", _service!.RulesFile), ("ip6tables", _service.RulesFile6) })
        {
            if (!unsaved.Any(difference => difference.Family == BackEnds.FamilyOf(family)))
                continue;
            Section[] running = [.. Host.Answer.Sections.Values.Where(section => section.Name.StartsWith("save." + family, StringComparison.Ordinal) && !string.IsNullOrWhiteSpace(section.Text))];
            Ruleset[] used =
            [
                .. running.Select(section => RulesetReader.Read(section.Text)).Where(ruleset => ruleset.TableList.Any(
                    table => table.Rules.Any() || table.Chains.Any(chain => chain.Policy == ChainPolicy.Drop))),
            ];
            if (used.Length > 1)
                return Messages.ProtectTwoBackEnds.With(family);
            if (used.Length == 0)
                continue;
            _installs.Add(new FileInstall(file, Encoding.UTF8.GetBytes(ToPersist(used[0]))));
        }

        return null;
    }

    // As iptables-save writes it when it is not asked for counters.
    private static string ToPersist(Ruleset rules)
    {
        string text = IptablesSaveWriter.Write(rules.Without([.. rules.Rules.Where(AgentPortRules.Contains)]));
        return string.Join('\n', text.Split('\n').Select(line => line.StartsWith('[') && line.IndexOf("] ", StringComparison.Ordinal) is int end and > 0 ? line[(end + 2)..] : line));
    }
}
