using System.Globalization;
using NatDsa.Boot;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Change;

/// <summary>How a change of a host ended, read from what the host says of it.</summary>
internal sealed record ChangeEnd
{
    private ChangeEnd(HostSnapshot host, NatIptablesState before, DsaAgentState agent)
    {
        Host = host;
        Before = After = before;
        AgentBefore = AgentAfter = agent;
    }

    /// <summary>What was read last.</summary>
    public HostSnapshot Host { get; private init; }

    /// <summary>The rules before.</summary>
    public NatIptablesState Before { get; }

    /// <summary>The rules now.</summary>
    public NatIptablesState After { get; private init; }

    /// <summary>The agent before.</summary>
    public DsaAgentState AgentBefore { get; }

    /// <summary>The agent now.</summary>
    public DsaAgentState AgentAfter { get; private init; }

    /// <summary>What is to be said.</summary>
    public required ChangeVerdict Verdict { get; init; }

    /// <summary>The steps, with what the host printed.</summary>
    public IReadOnlyList<ChangeStep> Steps { get; private init; } = [];

    /// <summary>What proved that the host can still be reached.</summary>
    public RuleConfirmation Confirmation { get; private init; }

    /// <summary>Whether the host would come up right; null: not known, or nothing was done.</summary>
    public BootReadiness? AfterReboot { get; private init; }

    /// <summary>The transaction's folder on the host; null when nothing was changed.</summary>
    public string? Folder { get; private init; }

    /// <summary>The end of a plan that has nothing to do. What another change has done so far may be taken back yet, and counts for nothing.</summary>
    public static ChangeEnd WithoutSteps(ChangePlan plan) => new(plan.Host, plan.Before, plan.Agent)
    {
        Verdict = plan.OtherChange is { } other
            ? new(ChangeOutcome.Refused, Messages.LockHeld.With(plan.Host.ComputerName, other), ErrorIds.LockHeld)
            : plan.Judge(plan.Before, plan.Agent, done: null, plan.Host),
    };

    /// <summary>Reads what a host says of a transaction that carried out a plan.</summary>
    public static ChangeEnd Read(ChangePlan plan, TransactionReport report, RuleConfirmation confirmation = RuleConfirmation.NotNeeded)
    {
        HostSnapshot now = report.Host;
        bool complete = now.Answer.IsComplete;
        NatIptablesState after = complete ? NatIptablesState.Read(now) : plan.Before;
        DsaAgentState agent = complete ? DsaAgentState.Read(now) : plan.Agent;
        // What was kept for a change that was refused is gone with its folder.
        bool keepsNothing = report.Outcome == "refused" && report.FailedStep != "backup";
        ChangeStep[] steps = [.. plan.Steps.Select(step => keepsNothing && step.ScriptName == "backup" ? step : Read(step, report))];
        ChangeVerdict Judged() => plan.Judge(
            after,
            agent,
            string.Join(", ", steps.Where(s => s.Status == ChangeStepStatus.Done).Select(s => s.Name)),
            now);
        // Both programs may have been killed after it was committed.
        bool agentFailed = report.Outcome == "done"
            ? report.FailedStep.Length > 0
            : report.State == TransactionState.Committed;
        bool done = agentFailed || report.Outcome == "done";
        ChangeVerdict verdict = (done, complete) switch
        {
            (true, true) when agentFailed => OfAgent(plan, report, steps, Judged(), after, agent),
            (true, true) => Judged(),
            (true, false) => new(
                ChangeOutcome.Incomplete,
                Messages.ChangeAnswerBroken.With(now.ComputerName),
                ErrorIds.AnswerBroken),
            _ => WhenNotDone(plan, report, steps),
        };
        if (verdict.Outcome == ChangeOutcome.Done && plan.LoadsNewRules && confirmation == RuleConfirmation.SameConnection)
            verdict = verdict with { Reason = Messages.ChangeUnproven.With(verdict.Reason) };
        return new ChangeEnd(now, plan.Before, plan.Agent)
        {
            After = after,
            AgentAfter = agent,
            Verdict = verdict,
            Steps = steps,
            Confirmation = confirmation,
            AfterReboot = complete ? BootReadiness.Of(now, after, agent) : null,
            Folder = verdict.Outcome == ChangeOutcome.Refused ? null : report.Folder,
        };
    }

    /// <summary>What is said of a transaction that was rolled back while nobody looked.</summary>
    public static ChangeEnd OfRolledBack(TransactionReport report) =>
        new(report.Host, NatIptablesState.Read(report.Host), DsaAgentState.Read(report.Host))
        {
            Verdict = new(ChangeOutcome.RolledBack, Messages.ChangeRolledBackBefore.With(RolledBack(report), report.Id), ErrorIds.RolledBack),
            Folder = report.Folder,
        };

    // What was done stays. Whether the agent runs is seen last: one that was given up may have come up meanwhile.
    private static ChangeVerdict OfAgent(
        ChangePlan plan,
        TransactionReport report,
        ChangeStep[] steps,
        ChangeVerdict judged,
        NatIptablesState after,
        DsaAgentState agent)
    {
        string name = report.Host.ComputerName ?? "";
        ChangeStep? step = Array.Find(steps, s => IsOfAgent(s.ScriptName));
        string said = report.Cause is "starting" or "erased" or "failed"
            ? InOneLine(step?.Evidence)
            : Messages.AgentUnseen;
        string stays = plan.Before.Status == NatStatus.Healthy ? Messages.NatStays : Messages.NatIsBack;
        // An agent that would erase is not to be started by hand.
        (string start, string marker) = agent switch
        {
            { Risk: DsaRisk.DoesNotErase } => (agent.Command("start"), Messages.AgentErasesNothing),
            { MarkerPresent: true } => (agent.Command("start"), Messages.MarkerIsThere),
            _ => ("Repair-DsaNatHost", agent.RiskReason),
        };
        return (report.Cause, after.Status, agent) switch
        {
            ("erased", NatStatus.Healthy, _) => Failed(Messages.AgentErased.With(name, said)),
            ("erased", _, _) => judged with { Reason = Messages.AgentErasedForGood.With(name, judged.Reason, said) },
            (_, not NatStatus.Healthy, _) => judged with { Reason = $"{judged.Reason} {agent.Gap}".Trim() },
            (_, _, { Starting: true }) => Failed(Messages.AgentStillStarting.With(name, stays, marker, said)),
            (_, _, { Running: true }) => Failed(Messages.AgentRunsNow.With(name, stays, marker, said)),
            _ => Failed(Messages.AgentDown.With(name, stays, said, start, marker)),
        };

        static ChangeVerdict Failed(string reason) =>
            new(ChangeOutcome.Incomplete, reason, ErrorIds.AgentRestartFailed);
    }

    private static bool IsOfAgent(string step) => step.StartsWith("agent-", StringComparison.Ordinal);

    private static string InOneLine(string? evidence)
    {
        IEnumerable<string> lines = (evidence ?? "").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0);
        string line = string.Join("; ", lines);
        return (line.Length > 600 ? line[^600..] : line).TrimEnd('.');
    }

    private static ChangeVerdict WhenNotDone(ChangePlan plan, TransactionReport report, ChangeStep[] steps)
    {
        string name = report.Host.ComputerName ?? "";
        string failed = report.FailedStep;
        ChangeStep? failedStep = Array.Find(steps, s => s.ScriptName == failed);
        string evidence = failedStep?.Evidence ?? "";
        string? folder = report.Folder;
        return (report.Outcome, failed) switch
        {
            ("locked", _) => new(ChangeOutcome.Refused, Messages.LockHeld.With(name, report.Id), ErrorIds.LockHeld),
            ("refused", "check") => new(ChangeOutcome.Refused, Messages.ChangeRulesRefused.With(name, evidence), ErrorIds.NothingToRestore),
            ("refused", "lock") => new(ChangeOutcome.Refused, Messages.ChangeFolderUnusable.With(name), plan.FailureId),
            ("refused", "changed") => new(ChangeOutcome.Refused, Messages.StateChanged.With(name), ErrorIds.StateChanged),
            ("refused", _) => new(ChangeOutcome.Refused, Messages.ChangeRefused.With(name, failedStep?.Name ?? failed, evidence), plan.FailureId),
            ("undone", _) when IsOfAgent(failed) =>
                new(ChangeOutcome.Undone, Messages.ChangeUndoneAgent.With(name, evidence), plan.FailureId),
            ("undone", _) when failed.StartsWith(HostOwner.StepPrefix, StringComparison.Ordinal) =>
                new(ChangeOutcome.Undone, Messages.ChangeUndoneOwner.With(name, failedStep?.Name, failedStep?.Command, evidence), plan.FailureId),
            ("undone", _) => new(ChangeOutcome.Undone, Messages.ChangeUndone.With(name, failedStep?.Name, evidence), plan.FailureId),
            ("rolledback", _) => new(ChangeOutcome.RolledBack, RolledBack(report), ErrorIds.RolledBack),
            ("stuck", _) when IsOfAgent(failed) =>
                new(ChangeOutcome.Stuck, Messages.ChangeStuckAgent.With(name, evidence, folder), plan.FailureId),
            ("stuck", _) => new(ChangeOutcome.Stuck, Messages.ChangeStuck.With(name, failedStep?.Name ?? report.Cause, evidence, folder), plan.FailureId),
            _ => new(ChangeOutcome.Stuck, Messages.ChangeAbandoned.With(name, folder), plan.FailureId),
        };
    }

    private static string RolledBack(TransactionReport report) =>
        (report.Cause is "died" or "hung" ? Messages.ChangeRolledBackDied : Messages.ChangeRolledBack).With(report.Host.ComputerName);

    private static ChangeStep Read(ChangeStep step, TransactionReport report)
    {
        Section? done = report["step." + step.ScriptName];
        Section? undone = report["undo." + step.ScriptName];
        Section? again = IsOfAgent(step.ScriptName) ? report["again.rules"] : null;
        // One that died in the middle has printed nothing.
        if (done is null)
            return undone is null ? step : step with { Evidence = Evidence(undone), Status = undone.ExitCode == 0 ? ChangeStepStatus.Undone : ChangeStepStatus.Stuck };
        string evidence = Evidence(done);
        if ((undone ?? again) is { } after)
            evidence = $"{evidence}\n{Evidence(after)}".Trim();
        return step with
        {
            Evidence = evidence,
            Took = Seconds(done, "ended") - Seconds(done, "began"),
            Status = undone is { ExitCode: not 0 } ? ChangeStepStatus.Stuck
                : done.ExitCode != 0 ? ChangeStepStatus.Failed
                : undone is not null ? ChangeStepStatus.Undone
                : ChangeStepStatus.Done,
        };
    }

    // The first two lines are the host's uptime when the step began and ended.
    private static string Evidence(Section section)
    {
        string[] lines = Untrusted.Lines(section.Text).Split('\n');
        string printed = string.Join('\n', lines.Where(l => !l.StartsWith("began=", StringComparison.Ordinal) && !l.StartsWith("ended=", StringComparison.Ordinal)));
        return $"{printed}\n{section.Error}".Trim();
    }

    private static TimeSpan? Seconds(Section section, string fact) =>
        double.TryParse(section.Fact(fact), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
