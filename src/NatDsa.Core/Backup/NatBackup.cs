using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NatDsa.Netfilter;
using NatDsa.Probe;

namespace NatDsa;

/// <summary>What a file of a backup holds.</summary>
public enum NatBackupFileKind
{
    /// <summary>Rules that ran: what iptables-save or nft printed.</summary>
    Running,

    /// <summary>Persisted rules: a file that is read at boot.</summary>
    Persisted,
}

/// <summary>A file of a backup.</summary>
/// <param name="Name">Its name in the backup's folder, the same on every system.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Source">The back end that printed it (<c>iptables-nft</c>), or the path of the file that it was on the host.</param>
/// <param name="Sha256">The digest of its content, as 64 lower-case digits.</param>
/// <param name="Length">How many bytes it has.</param>
public sealed record NatBackupFile(string Name, NatBackupFileKind Kind, string Source, string Sha256, long Length)
{
    /// <summary>The bytes, to the last one as they came.</summary>
    internal ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>A host's rules, running and persisted, as they were at a time.</summary>
public sealed class NatBackup : HostRecord
{
    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>How many digits an id has.</summary>
    internal const int IdLength = 16;

    /// <summary>
    /// Names the content: 16 lower-case hexadecimal digits. The same rules give the same id, whatever their counters and comment lines are.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>What the host calls itself (<c>uname -n</c>).</summary>
    public string? HostName { get; init; }

    /// <summary>When this state was backed up first, by the host's clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>When it was found unchanged, or come back to, last.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>Whether source NAT was in place.</summary>
    public required NatStatus Status { get; init; }

    /// <summary>Whether the kernel forwarded IPv4; null when that was not known.</summary>
    public bool? Forwarding { get; init; }

    /// <summary>Whether it is worth going back to: source NAT was in place, and all of the rules were read.</summary>
    public bool IsGood => Status == NatStatus.Healthy;

    /// <summary>Its files, in the order of their names.</summary>
    public required ReadableList<NatBackupFile> Files { get; init; }

    /// <summary>The folder that holds it, on the host or on this machine; null as long as it was not written.</summary>
    public string? Path { get; init; }

    /// <summary>Whether that folder is on the host.</summary>
    public bool OnHost { get; init; }

    /// <summary>Whether it was added; false when the same state was there already.</summary>
    public bool Added { get; init; }

    /// <summary>The running rules, a ruleset for each back end and family. Scripts see a hidden property.</summary>
    internal IReadOnlyList<Ruleset> Rulesets =>
        _rulesets ??= [.. Files.Where(file => file.Kind == NatBackupFileKind.Running).Select(Read)];

    /// <summary>How many rules ran.</summary>
    public int RuleCount => Rulesets.Sum(ruleset => ruleset.RuleCount);

    private IReadOnlyList<Ruleset>? _rulesets;

    /// <summary>The id and the host.</summary>
    public override string ToString() => $"{ComputerName ?? HostName} {Id}";

    /// <summary>Makes a backup of what a probe for rules and persisted files answered. It is written nowhere yet.</summary>
    /// <param name="host">The answer.</param>
    /// <param name="now">The time where the host's clock could not be read.</param>
    internal static NatBackup Of(HostSnapshot host, DateTimeOffset now)
    {
        NatIptablesState state = NatIptablesState.Read(host);
        var files = new List<NatBackupFile>();
        foreach ((string name, Section section) in host.Answer.Sections)
        {
            if (section.ExitCode != 0)
                continue;
            // The names are a host's word: only those that the probe has are taken.
            if (name.StartsWith("save.", StringComparison.Ordinal) && name["save.".Length..] is var backEnd && BackEnds.OfFile(backEnd) == backEnd && !IsBlank(section.Output.Span))
                files.Add(File(backEnd + ".rules", NatBackupFileKind.Running, backEnd, section.Output));
            else if (name == "nft.ruleset" && state.Rulesets.Any(ruleset => ruleset.Format == RulesetFormat.NftJson))
                files.Add(File("nft.json", NatBackupFileKind.Running, BackEnds.Nft, section.Output));
            else if (name.StartsWith("file.", StringComparison.Ordinal) && ProbeFiles.Contains(name["file.".Length..]))
                files.Add(File(NameOf(name["file.".Length..]), NatBackupFileKind.Persisted, name["file.".Length..], section.Output));
        }

        files.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        DateTimeOffset time = host.Clock ?? now;
        return new NatBackup
        {
            ComputerName = host.ComputerName,
            Origin = host.Origin,
            HostName = host.Answer["host"]?.Fact("hostname"),
            Id = IdOf(files, host.Forwarding),
            Time = time,
            LastSeen = time,
            Status = state.Unread is null && !state.IsPartial ? state.Status : NatStatus.Unknown,
            Forwarding = host.Forwarding,
            Files = new ReadableList<NatBackupFile>(files),
        };
    }

    /// <summary>The same backup, when it was written.</summary>
    /// <param name="path">Its folder.</param>
    /// <param name="onHost">Whether that is on the host.</param>
    /// <param name="present">The same state, as it was there already, whose files differ in what does not count; null when it was added.</param>
    internal NatBackup Written(string path, bool onHost, NatBackup? present) => new()
    {
        ComputerName = ComputerName,
        Origin = Origin,
        HostName = HostName,
        Id = Id,
        Time = present?.Time ?? Time,
        LastSeen = LastSeen,
        Status = Status,
        Forwarding = Forwarding,
        Files = present is null ? Files : [.. present.Files.Select(file => file.Content.Length > 0 ? file : file with { Content = Files.FirstOrDefault(own => own.Name == file.Name)?.Content ?? default })],
        Path = path,
        OnHost = onHost,
        Added = present is null,
    };

    /// <summary>The digest of bytes, as 64 lower-case digits.</summary>
    internal static string DigestOf(ReadOnlySpan<byte> content) => Hex(SHA256.HashData(content));

    // Convert.ToHexStringLower came with .NET 9.
    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes).ToLowerInvariant();

    /// <summary>Persisted files that a probe reads.</summary>
    internal static IReadOnlyList<string> ProbeFiles { get; } =
    [
        "/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables", "/etc/iptables/rules.v4", "/etc/iptables/rules.v6",
        "/etc/nftables.conf", "/etc/sysconfig/nftables.conf",
    ];

    /// <summary>What the file of a path is called in a backup: <c>etc_sysconfig_iptables</c>.</summary>
    internal static string NameOf(string path) => path.TrimStart('/').Replace('/', '_');

    private static NatBackupFile File(string name, NatBackupFileKind kind, string source, ReadOnlyMemory<byte> content) =>
        new(name, kind, source, DigestOf(content.Span), content.Length) { Content = content };

    private static bool IsBlank(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8).IsEmpty;

    private Ruleset Read(NatBackupFile file)
    {
        Ruleset ruleset = RulesetReader.Read(Encoding.UTF8.GetString(file.Content.Span), RulesetReadMode.Lenient, BackEnds.FamilyOf(file.Source));
        (ruleset.BackEnd, ruleset.ComputerName) = (file.Source, ComputerName);
        return ruleset;
    }

    private static string IdOf(IEnumerable<NatBackupFile> files, bool? forwarding)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"forwarding {forwarding}\n")));
        foreach (NatBackupFile file in files)
        {
            byte[] content = BackupContent.Of(file);
            digest.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{file.Name} {content.Length}\n")));
            digest.AppendData(content);
        }

        return Hex(digest.GetHashAndReset())[..IdLength];
    }
}
