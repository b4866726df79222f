using System.Globalization;
using NatDsa.Change;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Restore;

/// <summary>
/// How a host gets the rules of a backup: those that ran become the ones that run, for each back end that has others now, and those that were
/// persisted become the persisted ones, once the rules that were loaded are known to lock nobody out.
/// </summary>
internal sealed class RestorePlan : ChangePlan
{
    private readonly RestoreOptions _options;

    private RestorePlan(HostSnapshot host, NatBackup backup, RestoreOptions options)
        : base(host)
    {
        Backup = backup;
        _options = options;
        Refusal = WhyNotAtAll() ?? WhyNotThis() ?? Decide();
    }

    /// <summary>Works out the plan.</summary>
    public static RestorePlan For(HostSnapshot host, NatBackup backup, RestoreOptions options) => new(host, backup, options);

    /// <summary>The backup.</summary>
    public NatBackup Backup { get; }

    /// <summary>In which rules the host differs from it.</summary>
    public IReadOnlyList<RuleDifference> Differences { get; private set; } = [];

    /// <inheritdoc/>
    public override string FailureId => ErrorIds.RestoreFailed;

    /// <inheritdoc/>
    public override bool LoadsNewRules => Loads.Count > 0;

    /// <inheritdoc/>
    public override Transaction ToTransaction() => new([.. Steps.Select(s => s.ScriptName)])
    {
        Loads = Loads,
        Installs = Installs,
        SourceNat = Loads.Count > 0 && Backup.IsGood && NatAssessment.Of([.. Backup.Rulesets.Where(r => r.Format != RulesetFormat.NftJson)], forwarding: true).Status == NatStatus.Healthy,
    };

    /// <inheritdoc/>
    public override ChangeVerdict Judge(NatIptablesState after, DsaAgentState agent, string? done, HostSnapshot now)
    {
        RulesetComparison left = Compare(after);
        if (left.Fault is { } fault)
            return ChangeVerdict.Incomplete(fault);
        if (left.Differences.Count > 0)
            return ChangeVerdict.Incomplete(new Fault(ErrorIds.RestoreFailed, Messages.RestoreDiffers.With(Name, left.Differences.Count, Backup.Id, left.Differences[0])));
        // That the persisted rules have more is for who chose this backup to know.
        if (Backup.IsGood && after.Status is not (NatStatus.Healthy or NatStatus.Incomplete))
            return ChangeVerdict.Incomplete(after.Fault ?? new Fault(ErrorIds.RestoreFailed, Messages.RestoreNotWorking.With(Name, Backup.Id, after.Reason)));
        return done is null
            ? new(ChangeOutcome.NothingToDo, Messages.RestoreNothingToDo.With(Backup.Id, TimeOfBackup))
            : new(ChangeOutcome.Done, Messages.RestoreDone.With(Backup.Id, TimeOfBackup, after.Reason));
    }

    private List<RuleLoad> Loads { get; } = [];

    private List<FileInstall> Installs { get; } = [];

    private string TimeOfBackup => Backup.Time.ToString("u", CultureInfo.InvariantCulture);

    private RulesetComparison Compare(NatIptablesState state) => RulesetComparison.Of(ComparedRules.Of(Backup), ComparedRules.Of(state), includeCounters: false, state);

    private Fault? WhyNotThis()
    {
        if (Backup.Status == NatStatus.Unknown || (!Backup.IsGood && !_options.Force))
            return new Fault(ErrorIds.NothingToRestore, Messages.RestoreNotGood.With(Name, Backup.Id, Backup.Status));
        if (Backup.Files.FirstOrDefault(file => file.Content.Span.Contains((byte)0)) is { } binary)
            return new Fault(ErrorIds.NothingToRestore, Messages.RestoreNotText.With(Name, Backup.Id, binary));
        string? hostName = Host.Answer["host"]?.Fact("hostname");
        if (Backup.HostName != hostName && !_options.Force)
            return new Fault(ErrorIds.BackupOfAnotherHost, Messages.BackupOfAnotherHost.With(Name, Backup.Id, Backup.HostName, hostName));
        return null;
    }

    private Fault? Decide()
    {
        RulesetComparison comparison = Compare(Before);
        if (comparison.Fault is { } unknown)
            return unknown;
        Differences = comparison.Differences;
        if (Differences.FirstOrDefault(difference => difference.BackEnd == BackEnds.Nft) is { } native)
            return new Fault(ErrorIds.NothingToRestore, Messages.RestoreNative.With(Name, native));
        if (Differences.Count > 0 && !_options.Force && OwningProcesses().ToList() is { Count: > 0 } owners)
            return new Fault(ErrorIds.ForeignRules, Messages.RestoreForeignRules.With(Name, string.Join(", ", owners)));
        if (Differences.Count > 0 && PlanLoads() is { } fault)
            return fault;
        if (!_options.SkipPersisted)
            PlanInstalls();
        Steps = [.. PlannedSteps()];
        return null;
    }

    // A back end without rules has no file in a backup.
    private Fault? PlanLoads()
    {
        Dictionary<string, NatBackupFile> wanted = Backup.Files.Where(file => file.Kind == NatBackupFileKind.Running && file.Source != BackEnds.Nft).ToDictionary(file => file.Source);
        Dictionary<string, Section> running = Host.Answer.Sections.Values.Where(section => section.Name.StartsWith("save.", StringComparison.Ordinal)).ToDictionary(section => section.Name["save.".Length..]);
        if (wanted.Keys.FirstOrDefault(backEnd => !running.ContainsKey(backEnd)) is { } missing)
            return new Fault(ErrorIds.IptablesMissing, Messages.RestoreNoBackEnd.With(Name, missing, string.Join(", ", running.Keys)));
        foreach ((string backEnd, Section section) in running)
        {
            ReadOnlyMemory<byte> rules = wanted.TryGetValue(backEnd, out NatBackupFile? file) ? file.Content : default;
            if (!BackupContent.OfRules(rules.Span).AsSpan().SequenceEqual(BackupContent.OfRules(section.Output.Span)))
                Loads.Add(new RuleLoad(backEnd, null, rules));
        }

        return null;
    }

    // A file that the backup does not have stays: it may be the only copy of what is in it.
    private void PlanInstalls()
    {
        foreach (NatBackupFile file in Backup.Files.Where(file => file.Kind == NatBackupFileKind.Persisted))
        {
            Section? there = Host.Answer["file." + file.Source];
            if (there is null || there.ExitCode != 0 || !BackupContent.Of(file).AsSpan().SequenceEqual(BackupContent.Of(file with { Content = there.Output })))
                Installs.Add(new FileInstall(file.Source, file.Content));
        }
    }

    private IEnumerable<ChangeStep> PlannedSteps()
    {
        if (Loads.Count == 0 && Installs.Count == 0)
            yield break;
        if (Loads.Count > 0)
            yield return Step("CheckRules", "check", Messages.StepCheck, Commands("--test "));
        yield return Step("Backup", "backup", Messages.StepBackup, "iptables-save -c; ip6tables-save -c; cp -p …");
        if (Loads.Count > 0)
            yield return Step("LoadRules", "rules", Messages.StepRestoreRules.With(Differences.Count, TimeOfBackup, Differences[0]), Commands(""), string.Join("; ", Loads.Select(load => $"{load.Tool}-restore -c <…")));
        if (Installs.Count > 0)
        {
            string files = string.Join(", ", Installs.Select(install => install.File));
            yield return Step("InstallRules", "install", Messages.StepRestoreFiles.With(TimeOfBackup), $"{Backup.Id} → {files}", files);
        }

        string Commands(string option) => string.Join("; ", Loads.Select(load => $"{load.Tool}-restore {option}<{Backup.Id}/{load.Tool}.rules"));
    }
}
