using NatDsa.Probe;

namespace NatDsa.Repair;

/// <summary>
/// A change of a host: steps that are carried out by a program of the host's own, whoever waits for it, and that are undone when one of
/// them fails, or when new rules turn out to lock their sender out.
/// </summary>
/// <param name="Id">Names its folder on the host: letters, digits and hyphens.</param>
/// <param name="Steps">The steps, by their names in steps.sh, in order.</param>
/// <param name="Digest">What the host looked like when the steps were chosen (read.sh): it must still look so.</param>
internal sealed record Transaction(string Id, IReadOnlyList<string> Steps, string Digest)
{
    /// <summary>The IPv4 rules to load; null: none.</summary>
    public RuleLoad? IPv4 { get; init; }

    /// <summary>The IPv6 rules to load; null: none.</summary>
    public RuleLoad? IPv6 { get; init; }

    /// <summary>Whether the rules must have source NAT, then and after the agent's restart.</summary>
    public bool SourceNat { get; init; }

    /// <summary>The marker files that must be there.</summary>
    public IReadOnlyList<string> Markers { get; init; } = [];

    /// <summary>What loads the persisted rules at boot; null: nothing does.</summary>
    public RuleService? Service { get; init; }

    /// <summary>Those of its services to start, for they are not.</summary>
    public IReadOnlyList<string> Start { get; init; } = [];

    /// <summary>The time limits.</summary>
    public required RepairOptions Limits { get; init; }

    /// <summary>The transaction as one script.</summary>
    public HostScript ToScript() =>
        HostScript.Load("frame.sh", "files.sh", "read.sh", "journal.sh", "steps.sh", "transaction.sh")
            .Reading(ProbeSections.All)
            .With("ID", Id)
            .With("STEPS", string.Join(' ', Steps))
            .With("DIGEST", Digest)
            .With("TOOL4", IPv4?.Tool ?? "")
            .With("FILE4", IPv4?.File ?? "")
            .With("NEW4", IPv4?.NewRules ?? "")
            .With("TOOL6", IPv6?.Tool ?? "")
            .With("FILE6", IPv6?.File ?? "")
            .With("NEW6", IPv6?.NewRules ?? "")
            .With("SOURCE_NAT", SourceNat ? "yes" : "no")
            .With("MARKERS", string.Join(' ', Markers))
            .With("SERVICES", string.Join(' ', Service?.Services ?? []))
            .With("START", string.Join(' ', Start))
            .With("MANAGER", Service is { Systemd: true } ? "systemd" : "sysv")
            .With("STEP_SECONDS", HostScripts.Seconds(Limits.StepLimit))
            .With("AGENT_SECONDS", HostScripts.Seconds(Limits.AgentLimit))
            .With("SETTLE_SECONDS", HostScripts.Seconds(Limits.Settle))
            .With("CONFIRM_SECONDS", HostScripts.Seconds(Limits.Rollback))
            .With("JOURNAL", HostScripts.NewNonce())
            .With("SECONDS_LIMIT", HostScripts.Seconds(Limits.FirstNews));
}

/// <summary>Rules of one family to load.</summary>
/// <param name="Tool">The front end that loads them, without <c>-restore</c>: <c>iptables</c>, <c>ip6tables-legacy</c>.</param>
/// <param name="File">Where the host has them persisted.</param>
/// <param name="NewRules">The text of the rules, when they are not the persisted ones.</param>
internal sealed record RuleLoad(string Tool, string File, string? NewRules = null);
