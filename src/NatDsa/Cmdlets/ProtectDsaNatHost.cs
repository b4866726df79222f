using System.Management.Automation;
using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Protect;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Makes a host's NAT safe from the agent, before that is installed or one of its modules turned on, and from a reboot.</summary>
[Cmdlet(VerbsSecurity.Protect, "DsaNatHost", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true)]
[OutputType(typeof(ProtectionResult))]
public sealed class ProtectDsaNatHost : TransactionCmdlet
{
    /// <summary>Make the running rules the persisted ones, where those differ.</summary>
    [Parameter]
    public SwitchParameter SaveRules { get; set; }

    private protected override (string Question, string Caption) Confirmation => (Messages.ProtectQuestion, Messages.ProtectCaption);

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, ProbeSections.All | ProbeSections.Change, cancellation).ConfigureAwait(false);
        if (await WhatWasRolledBackAsync(turn, host, cancellation).ConfigureAwait(false) is { } before)
        {
            Write(new ProtectionResult(before, backup: null, []), turn);
            return;
        }

        ProtectionPlan plan = ProtectionPlan.For(host, SaveRules);
        string keeps = Messages.ProtectKeeps.With(KeptBackup.Folder);
        ChangeEnd? end = await ChangeAsync(turn, plan, cancellation, keeps).ConfigureAwait(false);
        if (end is null)
            return;
        // Who agreed to the steps agreed to the backup with them.
        bool agreed = plan.Steps.Count > 0;
        NatBackup? backup = end is { After.Status: NatStatus.Healthy, Host.Answer.IsComplete: true }
            ? await KeepAsync(turn, end.Host, agreed, cancellation).ConfigureAwait(false)
            : null;
        Write(new ProtectionResult(end, backup, [.. plan.RisksLeft(end.After, end.AgentAfter, end.Host)]), turn);
    }

    private async Task<NatBackup?> KeepAsync(
        HostTurn turn, HostSnapshot host, bool agreed, CancellationToken cancellation)
    {
        string name = turn.Target.ComputerName;
        NatBackup backup = NatBackup.Of(host, DateTimeOffset.UtcNow);
        Fault? fault = KeptBackup.WhyNot(host, backup);
        NatBackup? kept = null;
        if (fault is null)
        {
            string action = Messages.ActionBackupTo.With($"{KeptBackup.Folder}/{backup.Id}");
            if (!agreed && !await AskAsync(turn, () => ShouldProcess(name, action)).ConfigureAwait(false))
                return null;
            HostSnapshot answer = await AnswerAsync(turn.Target, HostScripts.Backup(backup, keep: 0), LimitsOf(turn), cancellation).ConfigureAwait(false);
            (kept, fault) = KeptBackup.ReadKept(backup, answer);
        }

        if (fault is not null)
            Write(fault, turn);
        return kept;
    }
}
