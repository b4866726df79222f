using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>A marker file of the agent on one host: whether it is there, what it is, and whether it is enough for the agent there.</summary>
public sealed class DsaMarkerFile : HostRecord
{
    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>Which marker.</summary>
    public required DsaMarker Marker { get; init; }

    /// <summary>Its path on the host.</summary>
    public required string Path { get; init; }

    /// <summary>Whether anything is there, a dangling link included.</summary>
    public bool Present => Kind != FileKind.None;

    /// <summary>What is there.</summary>
    public FileKind Kind { get; init; }

    /// <summary>The owner's name, or number where the host has no name for it.</summary>
    public string? Owner { get; init; }

    /// <summary>The group's name, or number where the host has no name for it.</summary>
    public string? Group { get; init; }

    /// <summary>The permission bits in octal, such as <c>644</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>Its size in bytes. The agent looks at the name only: an empty file is right.</summary>
    public long? Length { get; init; }

    /// <summary>When it was last written, by the host's clock.</summary>
    public DateTimeOffset? LastWriteTime { get; init; }

    /// <summary>Where a symbolic link leads.</summary>
    public string? LinkTarget { get; init; }

    /// <summary>The version of the agent on the host; null where there is none, or it could not be read.</summary>
    public string? AgentVersion => AgentRelease?.ToString();

    /// <summary>
    /// Whether the marker does its work for the agent on this host: it is a regular file (or a link to one), or that
    /// agent's version has no need of it. An unknown version needs it; so does a host without an agent, which may get one.
    /// </summary>
    public required bool Sufficient { get; init; }

    /// <summary>Why it is, or is not, sufficient.</summary>
    public required string Reason { get; init; }

    /// <summary>The version as a number: <see cref="AgentVersion"/>, as scripts see it.</summary>
    internal Version? AgentRelease { get; init; }

    /// <summary>The same without the next step.</summary>
    internal string Cause { get; init; } = "";

    /// <summary>Whether the path leads to a regular file.</summary>
    internal bool Usable { get; init; }

    /// <summary>Reads both markers.</summary>
    /// <returns>The two, in <see cref="DsaMarker"/>'s order; empty when the host did not answer.</returns>
    internal static IReadOnlyList<DsaMarkerFile> Read(HostSnapshot host, Version? agentVersion, bool agentInstalled)
    {
        if (!host.Answer.TryGet("marker", out Section? section))
            return [];

        var facts = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        Dictionary<string, string>? current = null;
        foreach ((string key, string value) in section.Facts())
        {
            if (key == "marker")
                facts[value] = current = new(StringComparer.Ordinal);
            else
                current?.TryAdd(key, value);
        }

        var markers = new List<DsaMarkerFile>();
        foreach (DsaMarker marker in Enum.GetValues<DsaMarker>())
        {
            if (facts.TryGetValue(marker.Path(), out Dictionary<string, string>? found))
                markers.Add(Read(host, marker, found, agentVersion, agentInstalled));
        }

        return markers;
    }

    private static DsaMarkerFile Read(
        HostSnapshot host, DsaMarker marker, Dictionary<string, string> found, Version? agentVersion, bool agentInstalled)
    {
        // type, uid, gid, mode, size, time, owner, group: read.sh
        string[]? stat = found.TryGetValue("stat", out string? line) ? line.Split('|') : null;
        bool exists = stat is not null;
        FileKind kind = !exists ? FileKind.None : stat![0] switch
        {
            "regular file" or "regular empty file" => FileKind.RegularFile,
            "directory" => FileKind.Directory,
            "symbolic link" => FileKind.SymbolicLink,
            _ => FileKind.Other,
        };
        bool usable = kind == FileKind.RegularFile || found.ContainsKey("resolves");
        bool needed = Needs(marker, agentVersion);
        string cause = CauseOf(marker, kind, usable, needed, agentVersion, agentInstalled);
        return new DsaMarkerFile
        {
            ComputerName = host.ComputerName,
            Origin = host.Origin,
            Marker = marker,
            Path = marker.Path(),
            Kind = kind,
            Owner = Name(stat, 6, 1),
            Group = Name(stat, 7, 2),
            Mode = Field(stat, 3),
            Length = HostSnapshot.Number(Field(stat, 4)),
            LastWriteTime = HostSnapshot.Time(Field(stat, 5)),
            LinkTarget = found.GetValueOrDefault("link"),
            AgentRelease = agentVersion,
            Usable = usable,
            Sufficient = usable || !needed,
            Cause = cause,
            Reason = needed && kind == FileKind.None ? Messages.MarkerCreate.With(cause) : cause,
        };
    }

    private static bool Needs(DsaMarker marker, Version? agentVersion) => marker switch
    {
        DsaMarker.UseDsaWithIptables => agentVersion is null || agentVersion < Agent.AgentVersion.FirstThatDoesNotErase,
        // Without it the agent opens its own ports, which harms no rule: nothing needs it.
        _ => false,
    };

    private static string CauseOf(
        DsaMarker marker, FileKind kind, bool usable, bool needed, Version? agentVersion, bool agentInstalled)
    {
        if (usable)
        {
            return marker == DsaMarker.UseDsaWithIptables
                ? needed ? Messages.MarkerKeepsRules : Messages.MarkerNotNeededButHarmless.With(agentVersion)
                : Messages.MarkerKeepsPortsClosed;
        }

        if (kind != FileKind.None)
            return (kind == FileKind.SymbolicLink ? Messages.MarkerLinkDangles : Messages.MarkerNotRegular).With(kind);
        if (marker == DsaMarker.DoNotOpenPortsOnIptables)
            return Messages.MarkerPortsOptional;
        if (!needed)
            return Messages.MarkerNotNeeded.With(agentVersion);
        if (!agentInstalled)
            return Messages.MarkerMissingNoAgent;
        return agentVersion is null ? Messages.MarkerMissingVersionUnknown : Messages.MarkerMissing.With(agentVersion);
    }

    private static string? Field(string[]? stat, int index) => stat is not null && stat.Length > index ? stat[index] : null;

    // stat writes UNKNOWN for a user or group that has no name.
    private static string? Name(string[]? stat, int name, int number) =>
        Field(stat, name) is { } text && text != "UNKNOWN" ? text : Field(stat, number);
}
