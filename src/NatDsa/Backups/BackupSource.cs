using System.Management.Automation;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Backups;

/// <summary>Where a backup is from: kept on each host itself, or in a folder on this machine.</summary>
internal sealed class BackupSource
{
    private readonly NatBackup? _backup;
    private readonly string? _folder;

    private BackupSource(NatBackup? backup = null, string? folder = null, string id = "") => (_backup, _folder, IdOnHost) = (backup, folder, id);

    /// <summary>The id of the backup when it is on the host; empty: its newest good one.</summary>
    public string IdOnHost { get; }

    /// <summary>Reads what a parameter names: an id, a folder, or a backup; null: the newest good one on each host.</summary>
    /// <exception cref="HostException">It is none of these.</exception>
    public static BackupSource Of(object? value, PSCmdlet cmdlet)
    {
        switch (value is PSObject wrapped ? wrapped.BaseObject : value)
        {
            case null:
                return new BackupSource();
            case NatBackup { OnHost: true } kept when !IsWhole(kept):
                return new BackupSource(id: kept.Id);
            case NatBackup backup:
                return IsWhole(backup) || backup.Path is null ? new BackupSource(backup) : new BackupSource(folder: backup.Path);
            case DirectoryInfo folder:
                return new BackupSource(folder: folder.FullName);
            case string id when NatBackupManifest.IsId(id):
                return new BackupSource(id: id);
            case string path when Resolve(path, cmdlet) is { } folder:
                return new BackupSource(folder: folder);
            case var other:
                throw new HostException(ErrorIds.NothingToRestore, Messages.NotABackup.With(other));
        }
    }

    /// <summary>The backup for a host; null when it is to be read from the host itself. A folder with those of many hosts has one for each.</summary>
    /// <param name="computerName">The host's name as the caller gave it.</param>
    /// <returns>The backup, or why there is none.</returns>
    public (NatBackup? Backup, Fault? Fault) Here(string computerName)
    {
        if (_folder is null)
            return (_backup, null);
        string? folder = BackupFolder.IsBackup(_folder) ? _folder
            : BackupFolder.NewestIn(_folder) ?? BackupFolder.NewestIn(new BackupFolder(_folder).PathOf(computerName));
        return folder is null
            ? (null, new Fault(ErrorIds.NothingToRestore, Messages.RestoreNoBackupIn.With(computerName, _folder)))
            : BackupFolder.Read(folder);
    }

    private static bool IsWhole(NatBackup backup) => backup.Files.All(file => file.Content.Length == file.Length);

    private static string? Resolve(string path, PSCmdlet cmdlet)
    {
        string folder = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        return provider.Name == "FileSystem" && Directory.Exists(folder) ? folder : null;
    }
}
