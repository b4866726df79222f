using System.Globalization;
using NatDsa.Boot;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Change;

/// <summary>
/// A change of a host: steps that are carried out by a program of the host's own, whoever waits for it, and that are undone when one of
/// them fails, or when new rules turn out to lock their sender out.
/// </summary>
/// <param name="Steps">The steps, by their names in steps.sh, in order.</param>
internal sealed record Transaction(IReadOnlyList<string> Steps)
{
    private static readonly string[] s_owners = ["firewalld", "ufw", "shorewall", "libvirt", "docker", "kube", "fail2ban"];

    /// <summary>The rules to load, each for one front end.</summary>
    public IReadOnlyList<RuleLoad> Loads { get; init; } = [];

    /// <summary>The files to write, once the rules that were loaded are confirmed.</summary>
    public IReadOnlyList<FileInstall> Installs { get; init; } = [];

    /// <summary>Whether the rules of iptables must have source NAT, then and after the agent's restart.</summary>
    public bool SourceNat { get; init; }

    /// <summary>The marker files that must be there.</summary>
    public IReadOnlyList<string> Markers { get; init; } = [];

    /// <summary>What loads the persisted rules at boot; null: nothing does.</summary>
    public RuleService? Service { get; init; }

    /// <summary>Those of its services to start, for they are not.</summary>
    public IReadOnlyList<string> Start { get; init; } = [];

    /// <summary>What has the owners of rules make theirs again, by the owners' names in steps.sh; an empty command: the owner does so by itself.</summary>
    public IReadOnlyDictionary<string, string> Reloads { get; init; } = new Dictionary<string, string>();

    /// <summary>The owner, by its name in steps.sh, after whose step there must be source NAT; null: none does any.</summary>
    public string? NatBy { get; init; }

    /// <summary>Whether an agent that does not come up has all undone; else what was done stays.</summary>
    public bool UndoOnAgentFailure { get; init; }

    /// <summary>The transaction as one script.</summary>
    /// <param name="id">Names its folder on the host: letters, digits and hyphens.</param>
    /// <param name="digest">What the host looked like when the steps were chosen (<see cref="HostDigest"/>): it must still look so.</param>
    /// <param name="limits">The time limits.</param>
    public HostScript ToScript(string id, string digest, ChangeLimits limits)
    {
        HostScript script = HostScript.Load(ScriptFiles.Transaction)
            .Asking(Messages.RequestChange.With(id))
            .Reading(ProbeSections.All)
            .With("ID", id)
            .With("STEPS", string.Join(' ', Steps))
            .With("DIGEST", digest)
            .With("LOADS", Numbers(Loads.Count))
            .With("INSTALLS", Numbers(Installs.Count))
            .With("SOURCE_NAT", SourceNat ? "yes" : "no")
            .With("UNDO_AGENT", UndoOnAgentFailure ? "yes" : "no")
            .With("MARKERS", string.Join(' ', Markers))
            .With("SERVICES", string.Join(' ', Service?.Services ?? []))
            .With("START", string.Join(' ', Start))
            .With("MANAGER", Service is { Systemd: true } ? "systemd" : "sysv")
            .With("STEP_SECONDS", HostScripts.Seconds(limits.Step))
            .With("NAT_BY", NatBy ?? "")
            .With("OWNER_SECONDS", HostScripts.Seconds(limits.Owner))
            .With("AGENT_SECONDS", HostScripts.Seconds(limits.Agent))
            .With("SETTLE_SECONDS", HostScripts.Seconds(limits.Settle))
            .With("CONFIRM_SECONDS", HostScripts.Seconds(limits.Rollback))
            .With("JOURNAL", HostScripts.NewNonce())
            .With("SECONDS_LIMIT", HostScripts.Seconds(limits.FirstNews));
        for (int i = 0; i < Loads.Count; i++)
        {
            script.With(Numbered("TOOL", i), Loads[i].Tool)
                .With(Numbered("FILE", i), Loads[i].File ?? "")
                .WithContent(Numbered("RULES", i), Loads[i].Rules);
        }

        for (int i = 0; i < Installs.Count; i++)
            script.With(Numbered("PATH", i), Installs[i].File).WithContent(Numbered("CONTENT", i), Installs[i].Content);
        foreach (string owner in s_owners)
            script.With("RELOAD_" + owner.ToUpperInvariant(), Reloads.GetValueOrDefault(owner, ""));
        return script;
    }

    private static string Numbers(int count) => string.Join(' ', Enumerable.Range(1, count));

    private static string Numbered(string name, int index) => string.Create(CultureInfo.InvariantCulture, $"{name}_{index + 1}");
}

/// <summary>Rules that become those of a front end: of one back end and family.</summary>
/// <param name="Tool">The front end that loads them, without <c>-restore</c>: <c>iptables</c>, <c>ip6tables-legacy</c>.</param>
/// <param name="File">Where the host has them persisted; null: they are <paramref name="Rules"/>.</param>
/// <param name="Rules">Their text, as iptables-save writes it; empty: none.</param>
internal sealed record RuleLoad(string Tool, string? File, ReadOnlyMemory<byte> Rules = default);

/// <summary>A file of persisted rules to write.</summary>
/// <param name="File">The path on the host.</param>
/// <param name="Content">Its content to be.</param>
internal sealed record FileInstall(string File, ReadOnlyMemory<byte> Content);
