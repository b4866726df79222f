using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>Backups that are kept on a host: what its scripts say of them (backup.sh, take.sh).</summary>
internal static class KeptBackup
{
    /// <summary>Their folder.</summary>
    public const string Folder = "/var/lib/natdsa/backups";

    /// <summary>Why a backup cannot be kept on its host; null when it can.</summary>
    public static Fault? WhyNot(HostSnapshot host, NatBackup backup)
    {
        if (!host.IsRoot)
            return new Fault(ErrorIds.PermissionDenied, Messages.BackupNeedsRoot.With(host.ComputerName));
        return backup.Files.Any(file => file.Content.Span.Contains((byte)0)) ? Failed(host, Messages.BackupNotText) : null;
    }

    /// <summary>Reads what a host says of a backup that it was to keep.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="answer">The answer to <see cref="HostScripts.Backup"/>.</param>
    public static (NatBackup? Backup, Fault? Fault) ReadKept(NatBackup backup, HostSnapshot answer)
    {
        if (answer.Answer["backup"] is not { } kept || !answer.Answer.IsComplete)
            return (null, new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(answer.ComputerName)));
        if (kept.ExitCode != 0 || kept.Fact("folder") is not { } folder)
            return (null, Failed(answer, Untrusted.OneLine(kept.Error)));
        NatBackup? present = kept.Fact("outcome") == "present" ? NatBackupManifest.ReadAlone(answer.Answer["manifest"]?.Text ?? "", folder, onHost: true) : null;
        return (backup.Written(folder, onHost: true, present), null);
    }

    /// <summary>The folders of older ones that were removed.</summary>
    public static IEnumerable<string> Pruned(HostSnapshot answer) =>
        answer.Answer["backup"]?.Facts().Where(fact => fact.Key == "pruned").Select(fact => $"{Folder}/{fact.Value}") ?? [];

    /// <summary>Reads a backup, with its files; or why there is none. Neither: the host keeps no such backup.</summary>
    /// <param name="answer">The answer to <see cref="HostScripts.TakeBackup"/>.</param>
    public static (NatBackup? Backup, Fault? Fault) Read(HostSnapshot answer)
    {
        if (answer.Answer["backup"]?.Fact("folder") is not { } folder)
            return (null, null);
        return NatBackupManifest.Read(answer.Answer["manifest"]?.Text ?? "", Content, folder, onHost: true);

        ReadOnlyMemory<byte>? Content(string name) => answer.Answer["backup." + name] is { ExitCode: 0 } file ? file.Output : null;
    }

    private static Fault Failed(HostSnapshot host, string why) => new(ErrorIds.BackupFailed, Messages.BackupFailed.With(host.ComputerName, Folder, why));
}
