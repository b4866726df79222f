using System.Management.Automation;
using NatDsa.Backups;
using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Restore;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Gives a host the rules of a backup back: those that ran, and those that were persisted.</summary>
[Cmdlet(VerbsData.Restore, "NatIptablesState", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(RestoreResult))]
public sealed class RestoreNatIptablesState : TransactionCmdlet
{
    private BackupSource? _source;

    /// <summary>
    /// The backup: its id, when the host keeps it; a folder on this machine that holds it, or those of the host, or those of many hosts; or what
    /// <c>Backup-NatIptablesState</c> wrote. When it is not given, the newest good one that the host keeps.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public object? Backup { get; set; }

    /// <summary>
    /// Seconds that rules, once loaded, wait for a new connection to the host. Comes none, they lock their sender out, and the host takes
    /// them back by itself.
    /// </summary>
    [Parameter]
    [ValidateRange(5, 3600)]
    public int RollbackSec { get; set; } = 60;

    /// <summary>Leave the persisted rules as they are.</summary>
    [Parameter]
    public SwitchParameter SkipPersisted { get; set; }

    /// <summary>Restore the backup of another host, too, one of rules that did no NAT, and over the rules of Docker and others.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        try
        {
            _source = Backup is null ? null : BackupSource.Of(Backup, this);
        }
        catch (HostException e)
        {
            ThrowTerminatingError(e.ToErrorRecord(Backup!));
        }
    }

    private protected override (string Question, string Caption) Confirmation => (Messages.RestoreQuestion, Messages.RestoreCaption);

    private protected override ChangeLimits Limits => base.Limits with { Rollback = TimeSpan.FromSeconds(RollbackSec) };

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, ProbeSections.All | ProbeSections.Change, cancellation).ConfigureAwait(false);
        if (await WhatWasRolledBackAsync(turn, host, cancellation).ConfigureAwait(false) is { } before)
        {
            Write(new RestoreResult(before, backup: null, []), turn);
            return;
        }

        (NatBackup? backup, Fault? fault) = await BackupForAsync(turn, cancellation).ConfigureAwait(false);
        if (backup is null)
        {
            Write(fault!, turn);
            return;
        }

        RestorePlan plan = RestorePlan.For(host, backup, new RestoreOptions(SkipPersisted, Force));
        if (await ChangeAsync(turn, plan, cancellation).ConfigureAwait(false) is { } end)
            Write(new RestoreResult(end, backup, plan.Differences), turn);
    }

    // A backup that came down the pipeline is for the host that it is of.
    private async Task<(NatBackup? Backup, Fault? Fault)> BackupForAsync(HostTurn turn, CancellationToken cancellation)
    {
        string name = turn.Target.ComputerName;
        BackupSource source = _source ?? BackupSource.Of(turn.Record as NatBackup, this);
        (NatBackup? backup, Fault? fault) = source.Here(name);
        if (backup is not null || fault is not null)
            return (backup, fault);
        (backup, fault) = await KeptAsync(turn, source.IdOnHost, cancellation).ConfigureAwait(false);
        return backup is null && fault is null
            ? (null, new Fault(ErrorIds.NothingToRestore, (source.IdOnHost.Length > 0 ? Messages.RestoreNoSuchBackup : Messages.RestoreNoBackup).With(name, source.IdOnHost)))
            : (backup, fault);
    }
}
