using NatDsa.Agent;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>Deep Security Agent on one host, and what it will do to that host's iptables rules.</summary>
public sealed class DsaAgentState : HostRecord
{
    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>Whether the agent is installed: its package, or <c>/opt/ds_agent</c>.</summary>
    public required bool Installed { get; init; }

    /// <summary>Its version, such as 9.5.3.2754 or 20.0.0.5137; null when it could not be read.</summary>
    public string? Version => Release?.ToString();

    /// <summary>The version as the package manager writes it, such as <c>9.5.3-2754.el6</c>.</summary>
    public string? PackageVersion { get; init; }

    /// <summary>Whether the process <c>ds_agent</c> runs; null when that could not be seen.</summary>
    public bool? Running { get; init; }

    /// <summary>Whether the host's init system starts the agent at boot; null when that could not be told.</summary>
    public bool? StartsAtBoot { get; init; }

    /// <summary>Whether the packet filter's kernel module <c>dsa_filter</c> is loaded; null when that could not be seen.</summary>
    public bool? FilterLoaded { get; init; }

    /// <summary>The Firewall module's mode in <c>dsa_query</c>'s word, such as <c>off</c> or <c>on-prevent</c>; null when not answered.</summary>
    public string? FirewallMode { get; init; }

    /// <summary>The Intrusion Prevention module's mode in <c>dsa_query</c>'s word; null when not answered.</summary>
    public string? IntrusionPreventionMode { get; init; }

    /// <summary>Whether a Manager has activated the agent; null when not answered.</summary>
    public bool? Activated { get; init; }

    /// <summary>The Manager that the agent reports to.</summary>
    public Uri? ManagerUrl { get; init; }

    /// <summary>Whether <c>/etc/use_dsa_with_iptables</c> is there as the agent needs it; null when that could not be seen.</summary>
    public bool? MarkerPresent { get; init; }

    /// <summary>What the agent will do to the rules.</summary>
    public required DsaRisk Risk { get; init; }

    /// <summary>Why, in words.</summary>
    public string Reason => Gap is null ? RiskReason : $"{RiskReason} {Gap}";

    /// <summary>Why the risk is what it is, without a word of whether the agent runs.</summary>
    internal string RiskReason { get; private init; } = "";

    /// <summary>Whether it is being started.</summary>
    internal bool Starting { get; private init; }

    /// <summary>Whether it is installed, starts at boot, and does not run.</summary>
    internal bool IsDown => Installed && Running == false && StartsAtBoot == true;

    /// <summary>What is to be said of an agent that should run and does not; null when there is nothing.</summary>
    internal string? Gap => !IsDown ? null : Starting ? Messages.AgentStarts : Messages.AgentIsDown;

    /// <summary>Whether systemd has a unit of it.</summary>
    internal bool HasUnit { get; private init; }

    /// <summary>What starts or restarts it, as an administrator would type it.</summary>
    internal string Command(string action) =>
        HasUnit ? $"systemctl {action} ds_agent" : $"/etc/init.d/ds_agent {action}";

    /// <summary>The version as a number: <see cref="Version"/>, as scripts see it.</summary>
    internal Version? Release { get; init; }

    /// <summary>The marker files on the host.</summary>
    internal IReadOnlyList<DsaMarkerFile> Markers { get; init; } = [];

    internal static DsaAgentState Read(HostSnapshot host)
    {
        FramedAnswer answer = host.Answer;
        Section? files = answer["agent.files"];
        string? package = PackageOf(answer);
        DsaQueryAnswer? status = Query(answer, "GetAgentStatus");
        DsaQueryAnswer? components = Query(answer, "GetComponentInfo");
        bool installed = package is not null || (files?.Facts().Any(f => f is ("exists", "/opt/ds_agent" or "/etc/init.d/ds_agent")) ?? false);
        Version? version = AgentVersion.Read(package ?? components?["Component.CORE.version"] ?? Query(answer, "GetPluginVersion")?["PluginVersion.core"] ?? "");
        IReadOnlyList<DsaMarkerFile> markers = DsaMarkerFile.Read(host, version, installed);
        string? managerUrl = status?["AgentStatus.dsmUrl"];
        bool? filterLoaded = files?.Fact("filter") switch { "loaded" => true, "absent" => false, _ => null };
        bool? markerPresent = markers.Count == 0 ? null : markers.Any(m => m.Marker == DsaMarker.UseDsaWithIptables && m.Usable);

        // A component that is not installed has no line.
        string? firewall = Mode(components, "Component.FWDPI.firewallMode");
        string? intrusionPrevention = Mode(components, "Component.FWDPI.mode");
        bool? anyModuleOn = components is null ? null
            : firewall != Off || intrusionPrevention != Off
            // The filter runs for a module that the answer does not name.
            || (filterLoaded == true && components["Component.FWDPI.firewallMode"] is null);
        (DsaRisk risk, string reason) = files is null
            ? (DsaRisk.Unknown, Messages.AgentNotAsked)
            : Assess(host, answer, installed, version, anyModuleOn, markerPresent);
        return new DsaAgentState
        {
            ComputerName = host.ComputerName,
            Origin = host.Origin,
            Installed = installed,
            Release = version,
            PackageVersion = package,
            // Another user's processes can be hidden from one who is not root.
            Running = files?.Fact("running") switch { "yes" => true, "no" when host.IsRoot => false, _ => null },
            Starting = files?.Fact("starting") == "yes",
            StartsAtBoot = !installed ? null : files?.Fact("boot") switch { "yes" => true, "no" => false, _ => null },
            FilterLoaded = filterLoaded,
            FirewallMode = firewall,
            IntrusionPreventionMode = intrusionPrevention,
            Activated = managerUrl is null ? null : managerUrl.Length > 0,
            ManagerUrl = Uri.TryCreate(managerUrl, UriKind.Absolute, out Uri? url) ? url : null,
            MarkerPresent = markerPresent,
            Risk = risk,
            RiskReason = reason,
            Markers = markers,
            HasUnit = files?.Fact("unit") == "ds_agent",
        };
    }

    private const string Off = "off";

    private static (DsaRisk Risk, string Reason) Assess(
        HostSnapshot host, FramedAnswer answer, bool installed, Version? version, bool? anyModuleOn, bool? markerPresent)
    {
        if (!installed)
            return (DsaRisk.NotInstalled, Messages.RiskNotInstalled);
        if (version >= AgentVersion.FirstThatDoesNotErase)
            return (DsaRisk.DoesNotErase, Messages.RiskDoesNotErase.With(version));
        if (markerPresent is null)
            return (DsaRisk.Unknown, Messages.RiskMarkerUnseen);
        if (markerPresent == true)
            return (DsaRisk.Protected, version is null ? Messages.RiskProtectedVersionUnknown : Messages.RiskProtected.With(version));
        if (version is null)
            return (DsaRisk.Unknown, Messages.RiskVersionUnknown);
        return anyModuleOn switch
        {
            true => (DsaRisk.ErasesOnNextStart, Messages.RiskErasesOnNextStart.With(version)),
            false => (DsaRisk.ErasesWhenModuleTurnedOn, Messages.RiskErasesWhenModuleTurnedOn.With(version)),
            null => (DsaRisk.Unknown, Messages.RiskModulesUnknown.With(WhyNoModes(host, answer))),
        };
    }

    private static string WhyNoModes(HostSnapshot host, FramedAnswer answer)
    {
        Section? asked = answer["agent.GetComponentInfo"] ?? answer["agent.GetAgentStatus"];
        return asked switch
        {
            null => Messages.DsaQueryMissing,
            { TimedOut: true } => Messages.DsaQueryHung.With(HostScripts.SectionLimit.TotalSeconds),
            _ when !host.IsRoot => Messages.DsaQueryNeedsRoot,
            _ => Messages.DsaQueryFailed.With(asked.ExitCode),
        };
    }

    private static string? Mode(DsaQueryAnswer? components, string name) =>
        components is null ? null : components[name] is { Length: > 0 } mode ? mode : Off;

    private static DsaQueryAnswer? Query(FramedAnswer answer, string command) =>
        answer.TryGet("agent." + command, out Section? section) && DsaQueryAnswer.Read(section.Text) is { IsEmpty: false } read ? read : null;

    private static string? PackageOf(FramedAnswer answer)
    {
        if (answer.TryGet("agent.rpm", out Section? rpm) && FirstLine(rpm.Text) is { Length: > 0 } version)
            return version;

        // "install ok installed|20.0.0.5137": a package that was removed leaves "deinstall ok config-files".
        if (answer.TryGet("agent.dpkg", out Section? dpkg) && FirstLine(dpkg.Text).Split('|') is [var status, var dpkgVersion]
            && status.EndsWith(" installed", StringComparison.Ordinal))
            return dpkgVersion;
        return null;
    }

    private static string FirstLine(string text) => Untrusted.OneLine(text.Split('\n', 2)[0]);
}
