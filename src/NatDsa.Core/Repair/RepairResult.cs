using System.Globalization;
using NatDsa.Probe;
using NatDsa.Repair;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>How a repair ended.</summary>
public enum RepairOutcome
{
    /// <summary>NAT was at work and the rules were safe: nothing was changed.</summary>
    NothingToDo,

    /// <summary>Every step was done and verified; with <c>-VerifyFrom</c>, the internet answered behind the NAT.</summary>
    Repaired,

    /// <summary>The steps were done, but NAT is not proven to work: forwarding is off, or the internet did not answer.</summary>
    Incomplete,

    /// <summary>A step failed, and the host was put back as it was.</summary>
    Undone,

    /// <summary>
    /// The host took everything back by itself: no new connection came in time after the rules were loaded, or the program that carried out
    /// the steps died. It is as it was.
    /// </summary>
    RolledBack,

    /// <summary>A step failed, and not all of it could be undone: the steps say what is left.</summary>
    Stuck,

    /// <summary>Nothing was changed, because a check failed first.</summary>
    Refused,
}

/// <summary>What a repair did to one host.</summary>
public sealed class RepairResult : HostRecord
{
    /// <summary>How it ended.</summary>
    public required RepairOutcome Outcome { get; init; }

    /// <summary>Why it ended so, in words.</summary>
    public required string Reason { get; init; }

    /// <summary>The rules before.</summary>
    public required NatIptablesState Before { get; init; }

    /// <summary>The rules as they were read again at the end; those from before when nothing was changed.</summary>
    public required NatIptablesState After { get; init; }

    /// <summary>What the agent would do to the rules before.</summary>
    public DsaRisk RiskBefore { get; init; }

    /// <summary>What it would do to them now.</summary>
    public DsaRisk RiskAfter { get; init; }

    /// <summary>The steps, in order, with what the host printed.</summary>
    public IReadOnlyList<RepairStep> Steps { get; init; } = [];

    /// <summary>What proved that the host can still be reached with the rules that were loaded.</summary>
    public RuleConfirmation Confirmation { get; init; }

    /// <summary>Whether the host would come up right after a reboot; null when that could not be read, or nothing was done.</summary>
    public BootReadiness? AfterReboot { get; init; }

    /// <summary>The folder on the host that holds the backup; null when nothing was changed.</summary>
    public string? BackupPath { get; init; }

    /// <summary>The request made behind the NAT with <c>-VerifyFrom</c>.</summary>
    public NatEgressResult? Egress { get; init; }

    /// <summary>What to report as an error; null when all went well.</summary>
    internal Fault? Fault { get; init; }

    /// <summary>The result of a plan that had nothing to do.</summary>
    internal static RepairResult NothingToDo(RepairPlan plan)
    {
        bool works = plan.Before.Status == NatStatus.Healthy;
        return new RepairResult
        {
            ComputerName = plan.Host.ComputerName,
            Origin = plan.Host.Origin,
            Outcome = works ? RepairOutcome.NothingToDo : RepairOutcome.Incomplete,
            Reason = works ? Messages.RepairNothingToDo.With(plan.Agent.Reason) : plan.Before.Reason,
            Before = plan.Before,
            After = plan.Before,
            RiskBefore = plan.Agent.Risk,
            RiskAfter = plan.Agent.Risk,
            Fault = works ? null : NotWorking(plan.Before),
        };
    }

    /// <summary>Reads what a host says of a transaction that carried out a plan.</summary>
    internal static RepairResult Read(RepairPlan plan, TransactionReport report, RuleConfirmation confirmation = RuleConfirmation.NotNeeded)
    {
        HostSnapshot answer = report.Host;
        string failed = report.FailedStep;
        bool complete = answer.Answer.IsComplete;
        RepairStep[] steps = [.. plan.Steps.Select(step => Read(step, report))];
        NatIptablesState after = complete ? NatIptablesState.Read(answer) : plan.Before;
        DsaAgentState agent = complete ? DsaAgentState.Read(answer) : plan.Agent;
        RepairStep? failedStep = steps.FirstOrDefault(s => s.ScriptName == failed);
        string evidence = failedStep?.Evidence ?? "";
        string name = answer.ComputerName ?? "";
        string done = string.Join(", ", steps.Where(s => s.Status == RepairStepStatus.Done).Select(s => s.Name));
        string? folder = report.Folder;
        (RepairOutcome how, string reason, string? errorId) = report.Outcome switch
        {
            "done" when !complete => (RepairOutcome.Incomplete, Messages.RepairAnswerBroken.With(name), ErrorIds.AnswerBroken),
            // NAT was at work before, so that it is now tells nothing of what was done.
            "done" when after.Status == NatStatus.Healthy && plan.Before.Status == NatStatus.Healthy => (RepairOutcome.Repaired, Messages.RepairDone.With(done, agent.Reason), null),
            "done" when after.Status == NatStatus.Healthy => (RepairOutcome.Repaired, after.Reason, null),
            "done" => (RepairOutcome.Incomplete, NotWorking(after).Message, NotWorking(after).ErrorId),
            "locked" => (RepairOutcome.Refused, Messages.LockHeld.With(name, report.Id), ErrorIds.LockHeld),
            "refused" when failed == "check" => (RepairOutcome.Refused, Messages.NothingToRestore.With(name, evidence), ErrorIds.NothingToRestore),
            "refused" when failed == "lock" => (RepairOutcome.Refused, Messages.RepairFolderUnusable.With(name), ErrorIds.RepairFailed),
            "refused" when failed == "changed" => (RepairOutcome.Refused, Messages.StateChanged.With(name), ErrorIds.StateChanged),
            "refused" => (RepairOutcome.Refused, Messages.RepairRefused.With(name, failedStep?.Name ?? failed, evidence), ErrorIds.RepairFailed),
            "undone" when failed == "agent" => (RepairOutcome.Undone, Messages.RepairUndoneAgent.With(name, evidence), ErrorIds.RepairFailed),
            "undone" => (RepairOutcome.Undone, Messages.RepairUndone.With(name, failedStep?.Name, evidence), ErrorIds.RepairFailed),
            "rolledback" => (RepairOutcome.RolledBack, RolledBack(report), ErrorIds.RolledBack),
            "stuck" when failed == "agent" => (RepairOutcome.Stuck, Messages.RepairStuckAgent.With(name, evidence, folder), ErrorIds.RepairFailed),
            "stuck" => (RepairOutcome.Stuck, Messages.RepairStuck.With(name, failedStep?.Name ?? report.Cause, evidence, folder), ErrorIds.RepairFailed),
            _ => (RepairOutcome.Stuck, Messages.RepairAbandoned.With(name, folder), ErrorIds.RepairFailed),
        };
        return new RepairResult
        {
            ComputerName = answer.ComputerName,
            Origin = answer.Origin,
            Outcome = how,
            Reason = how == RepairOutcome.Repaired && plan.LoadsNewRules && confirmation == RuleConfirmation.SameConnection ? Messages.RepairUnproven.With(reason) : reason,
            Before = plan.Before,
            After = after,
            RiskBefore = plan.Agent.Risk,
            RiskAfter = agent.Risk,
            Steps = steps,
            BackupPath = how == RepairOutcome.Refused ? null : folder,
            Confirmation = confirmation,
            AfterReboot = complete ? BootReadiness.Of(answer, after, agent) : null,
            Fault = errorId is null ? null : new Fault(errorId, reason),
        };
    }

    /// <summary>What is said of a transaction that was rolled back while nobody looked.</summary>
    internal static RepairResult OfRolledBack(TransactionReport report)
    {
        NatIptablesState now = NatIptablesState.Read(report.Host);
        DsaRisk risk = DsaAgentState.Read(report.Host).Risk;
        string reason = Messages.RepairRolledBackBefore.With(RolledBack(report), report.Id);
        return new RepairResult
        {
            ComputerName = report.Host.ComputerName,
            Origin = report.Host.Origin,
            Outcome = RepairOutcome.RolledBack,
            Reason = reason,
            Before = now,
            After = now,
            RiskBefore = risk,
            RiskAfter = risk,
            BackupPath = report.Folder,
            Fault = new Fault(ErrorIds.RolledBack, reason),
        };
    }

    private static string RolledBack(TransactionReport report) =>
        (report.Cause is "died" or "hung" ? Messages.RepairRolledBackDied : Messages.RepairRolledBack).With(report.Host.ComputerName);

    // All that could be done was done, and NAT does not work, or is not known to.
    private static Fault NotWorking(NatIptablesState state) =>
        state.Fault ?? new Fault(ErrorIds.RepairFailed, Messages.RepairNotWorking.With(state.ComputerName, state.Reason));

    /// <summary>The same result, with what the request behind the NAT says of it.</summary>
    internal RepairResult With(NatEgressResult egress) =>
        egress.Succeeded ? Copy(Outcome, Reason, egress, Fault)
        : NotVerified(Messages.RepairEgressFailed.With(ComputerName, egress.ComputerName, egress.Uri, egress.Reason), egress);

    /// <summary>The same result, when the host behind the NAT could not be asked at all.</summary>
    /// <param name="verifier">The host behind the NAT.</param>
    /// <param name="why">Why it could not be asked.</param>
    internal RepairResult Unverified(string verifier, string why) =>
        NotVerified(Messages.RepairNotVerified.With(ComputerName, verifier, why), egress: null);

    private RepairResult NotVerified(string reason, NatEgressResult? egress) =>
        Copy(RepairOutcome.Incomplete, reason, egress, Fault ?? new Fault(ErrorIds.EgressFailed, reason));

    private RepairResult Copy(RepairOutcome outcome, string reason, NatEgressResult? egress, Fault? fault) => new()
    {
        ComputerName = ComputerName,
        Origin = Origin,
        Outcome = outcome,
        Reason = reason,
        Before = Before,
        After = After,
        RiskBefore = RiskBefore,
        RiskAfter = RiskAfter,
        Steps = Steps,
        BackupPath = BackupPath,
        Confirmation = Confirmation,
        AfterReboot = AfterReboot,
        Egress = egress,
        Fault = fault,
    };

    private static RepairStep Read(RepairStep step, TransactionReport report)
    {
        Section? done = report["step." + step.ScriptName];
        Section? undone = report["undo." + step.ScriptName];
        // One that died in the middle has printed nothing.
        if (done is null)
            return undone is null ? step : step with { Evidence = Evidence(undone), Status = undone.ExitCode == 0 ? RepairStepStatus.Undone : RepairStepStatus.Stuck };
        string evidence = Evidence(done);
        if (undone is not null)
            evidence = $"{evidence}\n{Evidence(undone)}".Trim();
        return step with
        {
            Evidence = evidence,
            Duration = Seconds(done, "ended") - Seconds(done, "began"),
            Status = undone is { ExitCode: not 0 } ? RepairStepStatus.Stuck
                : done.ExitCode != 0 ? RepairStepStatus.Failed
                : undone is not null ? RepairStepStatus.Undone
                : RepairStepStatus.Done,
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
