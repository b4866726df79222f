using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>
/// What a backup says of itself. On a host it is lines of <c>key=value</c>, which a POSIX shell writes and reads; on this machine it is JSON.
/// </summary>
internal static class NatBackupManifest
{
    /// <summary>Its file's name on a host.</summary>
    public const string TextName = "manifest";

    /// <summary>Its file's name on this machine.</summary>
    public const string JsonName = "manifest.json";

    private const int Version = 1;
    private const int MaxFiles = 64;

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The lines for a host, without the two times, <c>time=</c> and <c>seen=</c>, which the script writes in front of them.</summary>
    public static string ToLines(NatBackup backup)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"natdsa-backup={Version}\nid={backup.Id}\nhost={Untrusted.OneLine(backup.HostName ?? "")}\n");
        text.Append(CultureInfo.InvariantCulture, $"status={backup.Status}\nforwarding={backup.Forwarding switch { true => "1", false => "0", null => "unknown" }}\n");
        foreach (NatBackupFile file in backup.Files)
            text.Append(CultureInfo.InvariantCulture, $"file={file.Name} {file.Sha256} {file.Length} {file.Kind} {file.Source}\n");
        return text.ToString();
    }

    /// <summary>The JSON for this machine.</summary>
    public static string ToJson(NatBackup backup) => JsonSerializer.Serialize(
        new Content(
            Version, backup.Id, backup.ComputerName, backup.HostName, backup.Time, backup.LastSeen, backup.Status, backup.Forwarding,
            [.. backup.Files.Select(file => new ContentFile(file.Name, file.Kind, file.Source, file.Sha256, file.Length))]),
        s_json) + "\n";

    /// <summary>Reads a backup: its manifest, in either form, and its files.</summary>
    /// <param name="manifest">The manifest's text.</param>
    /// <param name="content">Gives the bytes of a file by its name, which is a plain one; null when there is no such file.</param>
    /// <param name="path">The folder.</param>
    /// <param name="onHost">Whether that is on the host.</param>
    /// <returns>The backup, or why it is none: something is missing, or is not what was written.</returns>
    public static (NatBackup? Backup, Fault? Fault) Read(string manifest, Func<string, ReadOnlyMemory<byte>?> content, string path, bool onHost)
    {
        if (Parse(manifest) is not { } read)
            return (null, Damaged(path, Messages.BackupManifestUnreadable));
        var files = new List<NatBackupFile>();
        foreach (ContentFile file in read.Files)
        {
            if (content(file.Name) is not { } bytes)
                return (null, Damaged(path, Messages.BackupFileMissing.With(file.Name)));
            if (NatBackup.DigestOf(bytes.Span) != file.Sha256)
                return (null, Damaged(path, Messages.BackupFileChanged.With(file.Name)));
            files.Add(new NatBackupFile(file.Name, file.Kind, file.Source, file.Sha256, file.Length) { Content = bytes });
        }

        return (Of(read, files, path, onHost), null);
    }

    /// <summary>Reads a manifest alone: what the backup is of, without its files' content; null when it is none.</summary>
    public static NatBackup? ReadAlone(string manifest, string path, bool onHost) =>
        Parse(manifest) is { } read ? Of(read, [.. read.Files.Select(file => new NatBackupFile(file.Name, file.Kind, file.Source, file.Sha256, file.Length))], path, onHost) : null;

    private static Fault Damaged(string path, string why) => new(ErrorIds.BackupDamaged, Messages.BackupDamaged.With(path, why));

    private static NatBackup Of(Content read, IReadOnlyList<NatBackupFile> files, string path, bool onHost) => new()
    {
        ComputerName = read.ComputerName,
        HostName = read.HostName,
        Id = read.Id,
        Time = read.Time,
        LastSeen = read.LastSeen,
        Status = read.Status,
        Forwarding = read.Forwarding,
        Files = [.. files],
        Path = path,
        OnHost = onHost,
    };

    private static Content? Parse(string manifest)
    {
        Content? read;
        try
        {
            read = manifest.AsSpan().TrimStart() is ['{', ..] ? JsonSerializer.Deserialize<Content>(manifest, s_json) : ParseLines(manifest);
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException or ArgumentException)
        {
            return null;
        }

        // Names are used as file names: a plain one of a backup, or nothing.
        return read is { Version: Version, Files.Count: <= MaxFiles } && IsId(read.Id) && read.Files.All(file => file is { Name: not null, Source: not null, Sha256: not null } && IsPlain(file.Name)) ? read : null;
    }

    private static Content? ParseLines(string text)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new List<ContentFile>();
        foreach (string line in text.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                continue;
            (string key, string value) = (line[..equals], line[(equals + 1)..]);
            if (key != "file")
                facts[key] = value;
            else if (value.Split(' ') is [var name, var sha256, var length, var kind, var source])
                files.Add(new ContentFile(name, Enum.Parse<NatBackupFileKind>(kind), source, sha256, long.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture)));
            else
                return null;
        }

        return new Content(
            int.Parse(facts.GetValueOrDefault("natdsa-backup", "0"), NumberStyles.None, CultureInfo.InvariantCulture),
            facts.GetValueOrDefault("id", ""),
            null,
            facts.GetValueOrDefault("host"),
            Time("time"),
            Time("seen"),
            Enum.Parse<NatStatus>(facts.GetValueOrDefault("status", nameof(NatStatus.Unknown))),
            facts.GetValueOrDefault("forwarding") switch { "1" => true, "0" => false, _ => null },
            files);

        DateTimeOffset Time(string key) => DateTimeOffset.FromUnixTimeSeconds(long.Parse(facts.GetValueOrDefault(key, ""), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <summary>Whether a name is an id: of a backup's folder.</summary>
    public static bool IsId(string? name) => name is { Length: NatBackup.IdLength } && name.All(char.IsAsciiHexDigitLower);

    private static bool IsPlain(string name) => name.Length is > 0 and < 100 && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private sealed record Content(
        int Version, string Id, string? ComputerName, string? HostName, DateTimeOffset Time, DateTimeOffset LastSeen, NatStatus Status, bool? Forwarding, IReadOnlyList<ContentFile> Files);

    private sealed record ContentFile(string Name, NatBackupFileKind Kind, string Source, string Sha256, long Length);
}
