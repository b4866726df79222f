using System.Collections.Concurrent;
using System.Globalization;
using System.Management.Automation;
using System.Security.Cryptography;
using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>
/// A cmdlet that changes hosts in steps. The host carries them out by itself; this follows them, over a new connection whenever the one at
/// hand breaks, and confirms rules that were loaded over a new connection: when none can be made, the host takes the rules back.
/// </summary>
public abstract class TransactionCmdlet : HostCmdlet
{
    private const int MaxMissing = 5;

    // The script that begins keeps the running rules, and waits a little for news. What takes longer has lost its connection.
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_news = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_saying = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<string, string> _atWork = new();

    /// <summary>Changing a host takes longer than asking it.</summary>
    protected TransactionCmdlet() => TimeoutSec = 300;

    private protected override bool ChangesHosts => true;

    /// <summary>What is asked before a host is changed: about the host and its state, <c>{0}</c> and <c>{1}</c>.</summary>
    private protected abstract (string Question, string Caption) Confirmation { get; }

    /// <summary>The time limits of a host's change.</summary>
    private protected virtual ChangeLimits Limits => ChangeLimits.Within(TimeSpan.FromSeconds(TimeoutSec));

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        // The pipeline takes nothing more; who has stopped it looks at the screen, which a question to them may hold.
        KeyValuePair<string, string>[] atWork = [.. _atWork];
        try
        {
            Task.Run(() => Array.ForEach(atWork, change => Host.UI.WriteWarningLine(Messages.ChangeGoesOn.With(change.Value, change.Key, Limits.Rollback.TotalSeconds)))).Wait(s_saying);
        }
        finally
        {
            base.StopProcessing();
        }
    }

    /// <summary>Carries out a plan, once it was asked for and agreed to.</summary>
    /// <param name="turn">The host's turn.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="cancellation">Ctrl+C: the host goes on by itself, and takes back rules that nobody has confirmed.</param>
    /// <param name="afterwards">What else is agreed to with the steps, because it is done after them.</param>
    /// <returns>How it ended; null when nothing was to be done after all, which was said.</returns>
    /// <exception cref="HostException">It could not be begun; or its end could not be seen in time.</exception>
    private protected async Task<ChangeEnd?> ChangeAsync(
        HostTurn turn, ChangePlan plan, CancellationToken cancellation, string? afterwards = null)
    {
        if (plan.Refusal is { } refusal)
        {
            Write(refusal, turn);
            return null;
        }

        if (plan.Steps.Count == 0)
            return ChangeEnd.WithoutSteps(plan);
        string steps = string.Concat(plan.Steps.Select((step, i) => Line($"  {i + 1}. {step.Name}: {step.Command}") + Line($"     {step.Reason}") + (step.Undo is null ? "" : Line("     " + Messages.StepUndo.With(step.Undo)))));
        if (afterwards is not null)
            steps += Line($"  {afterwards}");
        string description = Messages.ChangeWhatIf.With(turn.Target.ComputerName, plan.Before.Status) + steps;
        string question = Confirmation.Question.With(turn.Target.ComputerName, plan.Before.Status) + steps;
        if (!await AskAsync(turn, () => ShouldProcess(description, question, Confirmation.Caption)).ConfigureAwait(false))
            return null;
        (TransactionReport report, RuleConfirmation confirmation) = await CarryOutAsync(turn, plan, cancellation).ConfigureAwait(false);
        return ChangeEnd.Read(plan, report, confirmation);

        static string Line(string text) => Environment.NewLine + text;
    }

    /// <summary>A transaction of before that the host rolled back while nobody looked; null when there is none. It is told of once.</summary>
    private protected async Task<ChangeEnd?> WhatWasRolledBackAsync(HostTurn turn, HostSnapshot host, CancellationToken cancellation)
    {
        if (WhatIf || host.Answer["change.transaction"]?.Facts().LastOrDefault(f => f.Key == "rolledback").Value is not { } id || !id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            return null;
        HostScript follow = HostScripts.Follow(id, "", TimeSpan.Zero, confirm: false);
        return ChangeEnd.OfRolledBack(TransactionReport.Read(await AnswerAsync(turn.Target, follow, Within(turn, s_answer), cancellation).ConfigureAwait(false), follow.Values["NONCE"]));
    }

    /// <summary>A backup that the host keeps; or why it cannot be had. Neither: there is none.</summary>
    /// <param name="turn">The host's turn.</param>
    /// <param name="id">The backup; empty: the newest good one.</param>
    /// <param name="cancellation">Ctrl+C.</param>
    private protected async Task<(NatBackup? Backup, Fault? Fault)> KeptAsync(HostTurn turn, string id, CancellationToken cancellation) =>
        KeptBackup.Read(await AnswerAsync(turn.Target, HostScripts.TakeBackup(id), LimitsOf(turn) with { KillOnStop = true }, cancellation).ConfigureAwait(false));

    /// <summary>Writes a result, and the error that it stands for.</summary>
    private protected void Write(ChangeResult result, HostTurn turn)
    {
        Write(result);
        if (result.Fault is { } fault)
            Write(fault, turn);
    }

    private static string NewId() =>
        DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture) + "-" + RandomNumberGenerator.GetHexString(8, lowercase: true);

    private async Task<(TransactionReport Report, RuleConfirmation Confirmation)> CarryOutAsync(HostTurn turn, ChangePlan plan, CancellationToken cancellation)
    {
        string id = NewId();
        HostScript start = plan.ToTransaction().ToScript(id, plan.Digest, Limits);
        string nonce = start.Values["JOURNAL"];
        RuleConfirmation confirmation = RuleConfirmation.NotNeeded;
        TransactionReport? report = null;
        HostException? lost = null;
        HostTarget by = turn.Target;
        IDisposable? held = null;
        int confirmed = 0;
        int told = 0;
        int missing = 0;
        _atWork[id] = turn.Target.ComputerName;
        try
        {
            try
            {
                report = TransactionReport.Read(await AnswerAsync(by, start, Within(turn, s_start), cancellation).ConfigureAwait(false), nonce);
                Tell(report);
            }
            catch (HostException e) when (e.GoesOn)
            {
                lost = e;
                await RenewAsync().ConfigureAwait(false);
            }

            while (report is not { IsOver: true })
            {
                // Where the connection broke early, the script may not have come to it yet.
                if (report is { IsMissing: true } && ++missing > MaxMissing)
                {
                    throw lost ?? new HostException(
                        ErrorIds.AnswerBroken, Messages.ChangeAnswerBroken.With(turn.Target.ComputerName));
                }

                bool confirm = report is { State: TransactionState.Waiting };
                // Each step that changes rules waits for a connection that was made after it.
                if (confirm && report!.Steps.Count != confirmed)
                {
                    await RenewAsync().ConfigureAwait(false);
                    confirmed = report.Steps.Count;
                }

                HostScript follow = HostScripts.Follow(id, report?.Seen ?? "", s_news, confirm);
                try
                {
                    report = TransactionReport.Read(await AnswerAsync(by, follow, Within(turn, s_answer) with { KillOnStop = true }, cancellation).ConfigureAwait(false), nonce);
                    Tell(report);
                    if (confirm && report.State is TransactionState.Running
                        or TransactionState.Confirmed
                        or TransactionState.Committed
                        or TransactionState.Done
                        or TransactionState.Undone
                        or TransactionState.Stuck)
                    {
                        confirmation = by == turn.Target ? RuleConfirmation.SameConnection : RuleConfirmation.NewConnection;
                    }
                }
                catch (HostException e) when (!turn.IsOver)
                {
                    lost = e;
                    await RenewAsync().ConfigureAwait(false);
                }

                if (lost is not null && report is not { IsOver: true })
                    await Task.Delay(s_pause, cancellation).ConfigureAwait(false);
            }

            return (report, confirmation);
        }
        finally
        {
            _atWork.TryRemove(id, out _);
            held?.Dispose();
            if (by != turn.Target)
                by.Drop();
        }

        void Tell(TransactionReport news)
        {
            foreach (ChangeStep step in news.Steps.Skip(told).Select(began => plan.Steps.FirstOrDefault(s => s.ScriptName == began)).OfType<ChangeStep>())
                Verbose($"{turn.Target.ComputerName}: {step.Name}: {step.Command} ({step.Reason})");
            told = Math.Max(told, news.Steps.Count);
        }

        // Makes the next run go over a new connection, where there is a way to make one.
        async Task RenewAsync()
        {
            if (await turn.Target.AnewAsync(cancellation).ConfigureAwait(false) is not { } anew)
                return;
            held?.Dispose();
            if (by != turn.Target)
                by.Drop();
            by = anew;
            held = anew.Hold();
        }
    }

    /// <summary>Whether nothing is to be changed: the parameter, or the preference variable.</summary>
    private protected bool WhatIf => MyInvocation.BoundParameters.TryGetValue(nameof(WhatIf), out object? value)
        ? value is SwitchParameter { IsPresent: true }
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    private RunLimits Within(HostTurn turn, TimeSpan time)
    {
        RunLimits limits = LimitsOf(turn);
        return limits.Time > time ? limits with { Time = time } : limits;
    }
}
