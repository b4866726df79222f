using System.Text;
using NatDsa.Boot;
using NatDsa.Change;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Repair;

/// <summary>
/// What a repair will do to one host. The order is the article's: the marker, the
/// rules, the agent; in front of it a check of the rules and a backup. What was done before the agent's turn stays,
/// whatever becomes of it, unless the administrator wants it otherwise. Programs that make rules of their own make
/// them again once the persisted ones are loaded, or in their place where the filter as a whole is a program's own.
/// </summary>
internal sealed class RepairPlan : ChangePlan
{
    private readonly RepairOptions _options;
    private RuleService? _service;
    private IReadOnlyList<string> _start = [];
    private RuleLoad? _ipv4;
    private RuleLoad? _ipv6;
    private IReadOnlyList<HostOwner> _owners = [];

    private RepairPlan(HostSnapshot host, RepairOptions options)
        : base(host)
    {
        _options = options;
        Refusal = WhyNotAtAll() ?? Decide();
    }

    /// <summary>Works out the plan.</summary>
    public static RepairPlan For(HostSnapshot host, RepairOptions options) => new(host, options);

    /// <inheritdoc/>
    public override string FailureId => ErrorIds.RepairFailed;

    /// <inheritdoc/>
    public override bool LoadsNewRules => _ipv4 is { File: null };

    /// <inheritdoc/>
    public override Transaction ToTransaction() => new([.. Steps.Select(s => s.ScriptName)])
    {
        Loads = Loads,
        Installs = LoadsNewRules && _service is not null ? [new FileInstall(_service.RulesFile, _ipv4!.Rules)] : [],
        SourceNat = _ipv4 is not null,
        UndoOnAgentFailure = _options.UndoOnAgentFailure,
        Markers = NeedsMarker ? [DsaMarker.UseDsaWithIptables.Path()] : [],
        Service = _service,
        Start = _start,
        Reloads = _owners.ToDictionary(owner => owner.ScriptName, owner => owner.Command),
        NatBy = _ipv4 is null ? _owners.LastOrDefault(owner => owner.CanNat)?.ScriptName : null,
    };

    /// <inheritdoc/>
    public override ChangeVerdict Judge(NatIptablesState after, DsaAgentState agent, string? done, HostSnapshot now)
    {
        if (after.Status != NatStatus.Healthy)
            return ChangeVerdict.Incomplete(after.Fault ?? new Fault(ErrorIds.RepairFailed, Messages.RepairNotWorking.With(Name, after.Reason)));
        if (done is null && agent is { IsDown: true, Starting: true })
            return ChangeVerdict.Incomplete(new Fault(ErrorIds.AgentRestartFailed, $"{Name}: {agent.Reason}"));
        if (done is null)
        {
            string nothing = Messages.RepairNothingToDo.With(after.Reason, agent.RiskReason);
            return new(ChangeOutcome.NothingToDo, WithWhatIsLeft(nothing));
        }

        // NAT was in place before, so that it is now tells nothing of what was done.
        bool wasInPlace = Before.Status == NatStatus.Healthy && _ipv4 is null;
        return new(
            ChangeOutcome.Done,
            WithWhatIsLeft(wasInPlace ? Messages.RepairDone.With(done, agent.RiskReason) : after.Reason));

        // Where NAT is in place, nobody's work is interrupted for the rest. fail2ban makes a chain when it first
        // bans an address.
        string WithWhatIsLeft(string reason) => string.Join(' ',
        [
            _options.NewRules is null || LoadsNewRules ? reason : Messages.RepairRulesUnused.With(reason, _options.NewRulesPath),
            .. HostOwner.Read(now).Where(owner => owner.Owner != RuleOwner.Fail2ban && !owner.HasChains(after.Rulesets))
                .Select(owner => Messages.OwnerChainsGone.With(owner.Evidence, owner.Typed)),
            .. agent.Gap is { } gap ? [gap] : Array.Empty<string>(),
        ]);
    }

    private RuleLoad[] Loads => [.. new[] { _ipv4, _ipv6 }.OfType<RuleLoad>()];

    // An agent that erases nothing starts without a marker: then its absence is no failure.
    private bool NeedsMarker => Changes("marker") || Agent.Markers.Any(m => m is { Marker: DsaMarker.UseDsaWithIptables, Usable: true });

    // Null, and the steps; or why there are none.
    private Fault? Decide()
    {
        bool natIsGone = Before.Status is NatStatus.Erased or NatStatus.NatMissing or NatStatus.Incomplete;
        string? whyNewRules = natIsGone ? null : WhyNewRules();
        bool rulesAreGone = natIsGone || whyNewRules is not null;
        RuleService? service = null;
        bool serviceHoldsNat = false;
        string whyNot = Messages.NoRuleService;
        foreach (RuleService candidate in RuleService.Read(Host))
        {
            service ??= candidate;
            string? reason = PersistedNat.WhyNot(Host, candidate.RulesFile);
            if (reason is null)
            {
                (service, serviceHoldsNat) = (candidate, true);
                break;
            }

            if (service == candidate)
                whyNot = reason;
        }

        IReadOnlyList<HostOwner> owners = HostOwner.Read(Host);
        HostOwner? firewall = owners.FirstOrDefault(owner => owner.IsFirewall);
        bool loadNewRules = _options.NewRules is not null
            && (_options.Force || firewall is null && service is not null);
        bool loadRules = rulesAreGone && (loadNewRules || firewall is null && serviceHoldsNat);
        if (rulesAreGone)
        {
            if (_options.NewRules is not null && firewall is not null && !_options.Force)
                return new Fault(ErrorIds.ForeignRules, Messages.FirewallOwnsRules.With(Name, firewall.Evidence, firewall.Typed));
            if (_options.NewRules is not null && !loadNewRules)
            {
                return new Fault(
                    ErrorIds.NothingToRestore,
                    Messages.RulesPathNoService.With(Name, _options.NewRulesPath));
            }

            // Where nft did the NAT, rules of iptables would be other rules.
            if (_options.NewRules is null && firewall is null && NftablesService.FileWithSourceNat(Host) is { } native && (!serviceHoldsNat || NftablesService.StartsAtBoot(Host)))
                return new Fault(ErrorIds.NothingToRestore, Messages.NativeNatGone.With(Name, native));
            // What the owners make runs where the NAT is incomplete, and is not what is missing.
            bool ownersBringIt = owners.Any(owner => owner.CanNat)
                && (firewall is not null || Before.Status != NatStatus.Incomplete);
            if (!loadRules && !ownersBringIt)
                return new Fault(ErrorIds.NothingToRestore, Messages.NothingToRestore.With(Name, whyNot));
            if (loadRules && !_options.Force && Orphans(owners).ToList() is { Count: > 0 } orphans)
            {
                string theirs = string.Join(", ", orphans);
                return new Fault(
                    ErrorIds.ForeignRules,
                    Messages.ForeignRules.With(Name, theirs, service!.Services[0]));
            }

            // A firewall would put its own rules in the place of those that were forced upon it.
            _owners = loadRules ? [.. owners.Where(owner => !owner.IsFirewall)] : owners;
        }

        DsaMarkerFile? marker = Agent.Markers.FirstOrDefault(m => m.Marker == DsaMarker.UseDsaWithIptables);
        bool markerIsMissing = Agent.Installed && marker is not { Sufficient: true };
        if (markerIsMissing && marker is null)
            return new Fault(ErrorIds.StateUnknown, Messages.RepairMarkerUnseen.With(Name));
        if (markerIsMissing && marker!.Present)
            return new Fault(ErrorIds.MarkerUnusable, Messages.MarkerUnusable.With(Name, marker.Path, marker.Kind));

        bool agentErases = Agent.Installed && Agent.Risk is not DsaRisk.DoesNotErase;
        bool bootIsMissing = service is { StartsAtBoot: false } && firewall is null && (loadRules || (agentErases && serviceHoldsNat));
        // A filter that was loaded with the marker in place knows it; an agent from 10.2 has no need of it.
        bool restartAgent = natIsGone && agentErases && markerIsMissing && Agent.Running != false;
        bool isNew = loadRules && _options.NewRules is not null;
        bool install = isNew && service is not null;
        if (loadRules)
        {
            _ipv4 = isNew
                ? new RuleLoad("iptables", null, Encoding.UTF8.GetBytes(_options.NewRules!))
                : new RuleLoad("iptables", service!.RulesFile);
        }

        // systemd stops firewalld when the iptables service starts; and what is persisted beside a firewall was there before it.
        if (service is not null && firewall is null && IPv6RulesAreGone(service))
            _ipv6 = new RuleLoad("ip6tables", service.RulesFile6);
        // A service that loads IPv6 rules is not started over others that run.
        if (loadRules && service is not null && firewall is null)
        {
            bool startsIPv6 = _ipv6 is not null || Host.Answer["file." + service.RulesFile6] is null;
            _start = [.. service.NotStarted.Where(s => s == "iptables" || startsIPv6)];
        }

        _service = service;
        Steps = [.. PlannedSteps()];
        return null;

        ChangeStep? AgentStep()
        {
            string? undo = _options.UndoOnAgentFailure ? Agent.Command(restartAgent ? "start" : "stop") : null;
            return _options.SkipAgentRestart ? null
                : restartAgent ? Of("RestartAgent", "restart", Messages.StepAgent)
                : Agent is { IsDown: true, Starting: false } ? Of("StartAgent", "start", Messages.StepStartAgent)
                : null;

            ChangeStep Of(string name, string action, string reason) => Step(
                name,
                "agent-" + action,
                undo is null ? $"{reason} {Messages.StepAgentStays}" : reason,
                Agent.Command(action),
                undo);
        }

        IEnumerable<ChangeStep> PlannedSteps()
        {
            ChangeStep? agentStep = AgentStep();
            RuleLoad[] loads = Loads;
            if (loads.Length == 0 && _owners.Count == 0 && !markerIsMissing && !bootIsMissing && agentStep is null)
                yield break;
            if (loads.Length > 0)
                yield return Step("CheckRules", "check", Messages.StepCheck, Commands(load => $"{load.Tool}-restore --test <{Source(load)}"));
            yield return Step("Backup", "backup", Messages.StepBackup, "iptables-save -c; ip6tables-save -c; cp -p …");
            if (markerIsMissing)
                yield return Step("CreateMarker", "marker", marker!.Cause, $"touch {marker.Path}", $"rm {marker.Path}");
            if (loads.Length > 0)
            {
                yield return Step(
                    "LoadRules",
                    "rules",
                    loadRules ? whyNewRules ?? Before.Reason : Messages.StepLoadIPv6.With(_ipv6!.File),
                    Commands(load => $"{load.Tool}-restore <{Source(load)}"),
                    Commands(load => $"{load.Tool}-restore -c <…"));
            }

            if (install)
                yield return Step("InstallRules", "install", Messages.StepInstall.With(_options.NewRulesPath), $"{_options.NewRulesPath} → {service!.RulesFile}", service.RulesFile);
            if (_start.Count > 0)
                yield return Step("StartService", "service", Messages.StepService.With(_start[0]), service!.Command("start", _start), service.Command("stop", _start));
            if (bootIsMissing)
                yield return Step("EnableAtBoot", "boot", Messages.StepBoot.With(service!.Services[0]), service.EnableCommand, service.DisableCommand);
            foreach (HostOwner owner in _owners)
                yield return Step(owner.StepName, HostOwner.StepPrefix + owner.ScriptName, owner.Reason, owner.Typed, "iptables-restore -c <…");
            if (agentStep is not null)
                yield return agentStep;

            string Commands(Func<RuleLoad, string> command) => string.Join("; ", loads.Select(command));

            string Source(RuleLoad load) => load.File ?? _options.NewRulesPath!;
        }
    }

    // Why a file's rules are to be loaded on a host whose own rules are in place; null: they are not.
    private string? WhyNewRules()
    {
        if (_options.NewRules is null)
            return null;
        if (MissingNat.FirstNotIn(Before.SourceNat, [RulesetReader.Read(_options.NewRules)]) is { } missing)
        {
            string served = MissingNat.Words(missing.SourceAddress, missing.OutPattern);
            return Messages.RulesPathMissing.With(_options.NewRulesPath, served);
        }

        return _options.Force ? Messages.RulesPathForced.With(_options.NewRulesPath) : null;
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
            : !rules.TableList.SelectMany(table => table.Rules).Any(rule => !AgentPortRules.Contains(rule));
    }

    // Whose chains run that loading rules would take away, and that nothing on the host is known to make again. A load leaves tables of nft's own alone.
    private IEnumerable<RuleOwner> Orphans(IReadOnlyList<HostOwner> owners) => Before.Rulesets
        .Where(ruleset => ruleset.Format != RulesetFormat.NftJson)
        .SelectMany(ruleset => ruleset.TableList.SelectMany(table => table.Chains))
        .Select(chain => chain.Owner)
        .Where(owner => owner != RuleOwner.None && !owners.Any(known => known.Owner == owner))
        .Distinct();
}
