using System.Text;
using NatDsa.Resources;

namespace NatDsa.Backups;

/// <summary>
/// A folder on this machine with a folder for each host, which has one for each of its backups, named by its content:
/// <c>good/nat01/0123456789abcdef/manifest.json</c> and its files.
/// </summary>
/// <remarks>A backup comes to be there by one rename, when all of it is on the disk. Links are not followed below the folder.</remarks>
internal sealed class BackupFolder(string path)
{
    private const long MaxFileLength = 64 << 20;
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Names that Windows keeps for devices, with any extension.
    private static readonly HashSet<string> s_devices = new(StringComparer.OrdinalIgnoreCase)
    {
        "con", "prn", "aux", "nul",
        "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    };

    /// <summary>The folder of a host.</summary>
    public string PathOf(string computerName) => Path.Combine(path, NameOf(computerName));

    /// <summary>
    /// A host's name as the name of a file, on every system: in lower case, and what is no letter, digit, dot, hyphen or underscore as
    /// <c>%</c> and the digits of its bytes.
    /// </summary>
    public static string NameOf(string computerName)
    {
        var name = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(computerName.ToLowerInvariant()))
        {
            char c = (char)b;
            bool isPlain = char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (c == '.' && name.Length > 0);
            name.Append(isPlain ? c : $"%{b:x2}");
        }

        if (name.Length == 0 || s_devices.Contains(name.ToString().Split('.')[0]))
            name.Insert(0, "%");
        if (name[^1] == '.')
            name.Remove(name.Length - 1, 1).Append("%2e");
        // A name of a host has at most 253 letters; a folder's, what the file system bears.
        return name.Length <= 200 ? name.ToString() : $"{name.ToString(0, 180)}%{NatBackup.DigestOf(Encoding.UTF8.GetBytes(computerName))[..16]}";
    }

    /// <summary>Writes a backup; one with the same content that is there, whole, is only marked as seen.</summary>
    /// <exception cref="IOException">It cannot be written; nothing of it is left.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public NatBackup Write(NatBackup backup)
    {
        Directory.CreateDirectory(path);
        string host = PathOf(backup.ComputerName ?? backup.HostName ?? "");
        MakeFolder(host);
        string folder = Path.Combine(host, backup.Id);
        if (MarkSeen(backup, folder) is { } present)
            return present;

        string unfinished = WholeFile.UnfinishedIn(host);
        try
        {
            MakeFolder(unfinished);
            NatBackup added = backup.Written(folder, onHost: false, present: null);
            foreach (NatBackupFile file in backup.Files)
                WholeFile.Write(Path.Combine(unfinished, file.Name), file.Content.Span, Mode);
            WholeFile.Write(Path.Combine(unfinished, NatBackupManifest.JsonName), Encoding.UTF8.GetBytes(NatBackupManifest.ToJson(added)), Mode);
            if (!TryMove(unfinished, folder))
            {
                // Somebody else has written the same in the meantime.
                if (MarkSeen(backup, folder) is { } theirs)
                {
                    Directory.Delete(unfinished, recursive: true);
                    return theirs;
                }

                // What is there is damaged, or no backup.
                Discard(folder);
                Directory.Move(unfinished, folder);
            }

            return added;
        }
        catch
        {
            if (Directory.Exists(unfinished))
                Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    /// <summary>Notes in a backup that its rules were seen again; null when it is not there, or not whole.</summary>
    private static NatBackup? MarkSeen(NatBackup backup, string folder)
    {
        if (Read(folder).Backup is not { } present)
            return null;
        NatBackup seen = backup.Written(folder, onHost: false, present);
        try
        {
            byte[] manifest = Encoding.UTF8.GetBytes(NatBackupManifest.ToJson(seen));
            WholeFile.Replace(Path.Combine(folder, NatBackupManifest.JsonName), manifest, Mode);
            return seen;
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody else has removed it since.
            return null;
        }
    }

    private static bool TryMove(string unfinished, string folder)
    {
        try
        {
            Directory.Move(unfinished, folder);
            return true;
        }
        catch (IOException) when (Directory.Exists(folder) || File.Exists(folder))
        {
            return false;
        }
    }

    /// <summary>Removes a host's oldest backups, never this one and never the newest good one.</summary>
    /// <param name="current">The one that was written now.</param>
    /// <param name="keep">How many stay.</param>
    /// <returns>Those that were removed.</returns>
    public IReadOnlyList<NatBackup> Prune(NatBackup current, int keep)
    {
        string host = PathOf(current.ComputerName ?? current.HostName ?? "");
        NatBackup[] all = [.. ManifestsOf(Directory.EnumerateDirectories(host)).OrderByDescending(backup => backup.LastSeen)];
        NatBackup? good = all.FirstOrDefault(backup => backup.IsGood);
        NatBackup[] old = [.. all.Skip(keep).Where(backup => backup.Id != current.Id && backup != good)];
        foreach (NatBackup backup in old)
            Discard(backup.Path!);
        return old;
    }

    /// <summary>Whether a folder holds a backup's manifest.</summary>
    public static bool IsBackup(string folder) => File.Exists(Path.Combine(folder, NatBackupManifest.JsonName));

    /// <summary>The newest good backup of the folders of a host's backups; where none is good, the newest; null when there is none.</summary>
    public static string? NewestIn(string host) => NewestOf(Directory.Exists(host) ? Directory.EnumerateDirectories(host) : []);

    /// <summary>The same of some folders.</summary>
    public static string? NewestOf(IEnumerable<string> folders) =>
        ManifestsOf(folders).OrderByDescending(backup => backup.IsGood).ThenByDescending(backup => backup.LastSeen).FirstOrDefault()?.Path;

    /// <summary>Reads a backup, and makes sure that its files are what was written.</summary>
    public static (NatBackup? Backup, Fault? Fault) Read(string folder)
    {
        try
        {
            string manifest = Path.Combine(folder, NatBackupManifest.JsonName);
            if (IsLink(folder) || Bytes(manifest) is not { } text)
                return (null, new Fault(ErrorIds.BackupDamaged, Messages.BackupDamaged.With(folder, Messages.BackupManifestUnreadable)));
            return NatBackupManifest.Read(Encoding.UTF8.GetString(text.Span), name => Bytes(Path.Combine(folder, name)), folder, onHost: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, new Fault(ErrorIds.BackupDamaged, Messages.BackupDamaged.With(folder, e.Message)));
        }
    }

    private static IEnumerable<NatBackup> ManifestsOf(IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            if (NatBackupManifest.IsId(Path.GetFileName(folder)) && !IsLink(folder) && Bytes(Path.Combine(folder, NatBackupManifest.JsonName)) is { } text
                && NatBackupManifest.ReadAlone(Encoding.UTF8.GetString(text.Span), folder, onHost: false) is { } backup)
            {
                yield return backup;
            }
        }
    }

    private static ReadOnlyMemory<byte>? Bytes(string file)
    {
        try
        {
            bool isReadable = File.Exists(file) && !IsLink(file) && new FileInfo(file).Length <= MaxFileLength;
            return isReadable ? WholeFile.Read(file) : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Somebody else has removed it since.
            return null;
        }
    }

    private static bool IsLink(string item) => new FileInfo(item).Attributes is var attributes && (int)attributes != -1 && attributes.HasFlag(FileAttributes.ReparsePoint);

    private static void MakeFolder(string folder)
    {
        if (IsLink(folder))
            throw new IOException(Messages.BackupThroughLink.With(folder));
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    // Out of sight by one rename first, so that no half of it is taken for a backup.
    private static void Discard(string folder)
    {
        if (IsLink(folder) || File.Exists(folder))
            throw new IOException(Messages.BackupThroughLink.With(folder));
        string gone = WholeFile.UnfinishedIn(Path.GetDirectoryName(folder)!);
        try
        {
            Directory.Move(folder, gone);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody else has removed it.
            return;
        }

        Directory.Delete(gone, recursive: true);
    }
}
