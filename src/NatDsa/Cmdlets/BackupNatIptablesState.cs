using System.Management.Automation;
using NatDsa.Backups;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Keeps a host's rules, running and persisted, on the host or in a folder on this machine.</summary>
[Cmdlet(VerbsData.Backup, "NatIptablesState", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true)]
[OutputType(typeof(NatBackup))]
public sealed class BackupNatIptablesState : HostCmdlet
{
    private string? _destination;

    /// <summary>The folder on this machine; each host gets a folder of its own there. When it is not given, the backup is kept on the host.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>Keep it on the host, under <c>/var/lib/natdsa/backups</c>, besides what -Destination says.</summary>
    [Parameter]
    public SwitchParameter OnHost { get; set; }

    /// <summary>How many backups of a host stay; the oldest are removed, never the newest good one. 0: all.</summary>
    [Parameter]
    [ValidateRange(0, 100_000)]
    public int Keep { get; set; }

    /// <summary>Keep rules that are erased, or of which not all could be read, too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override bool ChangesHosts => Destination is null || OnHost;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Destination is null)
            return;
        _destination = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Destination, out ProviderInfo provider, out _);
        if (provider.Name != "FileSystem")
        {
            var noFolder = new HostException(ErrorIds.BackupFailed, Messages.DestinationNoFolder.With(Destination));
            ThrowTerminatingError(noFolder.ToErrorRecord(Destination));
        }
    }

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, ProbeSections.Rules | ProbeSections.Persisted, cancellation).ConfigureAwait(false);
        NatIptablesState state = NatIptablesState.Read(host);
        if (WhyNot(state) is { } refusal)
        {
            Write(refusal, turn);
            return;
        }

        NatBackup backup = NatBackup.Of(host, DateTimeOffset.UtcNow);
        Fault? notThere = ChangesHosts ? KeptBackup.WhyNot(host, backup) : null;
        if (notThere is not null)
            Write(notThere, turn);
        BackupFolder? here = _destination is null ? null : new BackupFolder(_destination);
        string? there = ChangesHosts && notThere is null ? $"{KeptBackup.Folder}/{backup.Id}" : null;
        string name = turn.Target.ComputerName;
        string places = string.Join(", ", ((string?[])[here?.PathOf(name), there]).OfType<string>());
        if (places.Length == 0)
            return;
        string action = Messages.ActionBackupTo.With(places);
        if (!await AskAsync(turn, () => ShouldProcess(name, action)).ConfigureAwait(false))
            return;
        if (here is not null)
            KeepHere(turn, backup, here);
        if (there is not null)
            await KeepOnHostAsync(turn, backup, cancellation).ConfigureAwait(false);
    }

    // What is kept must be known to be all, and be worth to be kept.
    private Fault? WhyNot(NatIptablesState state)
    {
        string name = state.ComputerName ?? "";
        Fault? unread = state.Unread ?? state.Fault ?? (state.IsPartial ? new Fault(ErrorIds.StateUnknown, Messages.CompareUnknown.With(name, state.Reason)) : null);
        if (unread is not null)
            return Force && state.Rulesets.Count > 0 ? null : unread;
        return state.Status == NatStatus.Erased && !Force ? new Fault(ErrorIds.BackupRefused, Messages.BackupErased.With(name, state.Reason)) : null;
    }

    private void KeepHere(HostTurn turn, NatBackup backup, BackupFolder folder)
    {
        string name = turn.Target.ComputerName;
        try
        {
            NatBackup written = folder.Write(backup);
            Kept(written);
            foreach (NatBackup old in Keep > 0 ? folder.Prune(written, Keep) : [])
                Verbose(Messages.BackupPruned.With(name, old.Path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Write(new Fault(ErrorIds.BackupFailed, Messages.BackupFailed.With(name, folder.PathOf(name), e.Message)), turn);
        }
    }

    private async Task KeepOnHostAsync(HostTurn turn, NatBackup backup, CancellationToken cancellation)
    {
        HostSnapshot answer = await AnswerAsync(turn.Target, HostScripts.Backup(backup, Keep), LimitsOf(turn), cancellation).ConfigureAwait(false);
        (NatBackup? kept, Fault? fault) = KeptBackup.ReadKept(backup, answer);
        if (kept is null)
        {
            Write(fault!, turn);
            return;
        }

        Kept(kept);
        foreach (string folder in KeptBackup.Pruned(answer))
            Verbose(Messages.BackupPruned.With(turn.Target.ComputerName, folder));
    }

    private void Kept(NatBackup backup)
    {
        Write(backup);
        if (!backup.IsGood)
            Warn(Messages.BackupNotGood.With(backup.ComputerName, backup.Status));
    }
}
