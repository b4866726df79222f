using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>Whether a host does source NAT, as far as its rules tell, with those rules.</summary>
public sealed class NatIptablesState : HostRecord
{
    private ReadableList<SourceNat>? _sourceNat;

    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>In place, erased, incomplete, or not known.</summary>
    public required NatStatus Status { get; init; }

    /// <summary>Why, in words.</summary>
    public required string Reason { get; init; }

    /// <summary>
    /// The source-NAT rules that a packet can reach: what <see cref="NatStatus.Healthy"/> and
    /// <see cref="NatStatus.Incomplete"/> rest on.
    /// </summary>
    public required ReadableList<Rule> SourceNatRules { get; init; }

    /// <summary>Which networks these rules serve, by which interfaces, and what their addresses become.</summary>
    public ReadableList<SourceNat> SourceNat => _sourceNat ??= NatDsa.SourceNat.Of(SourceNatRules);

    /// <summary>Whether the kernel forwards IPv4; null for texts and files, which do not tell.</summary>
    public bool? Forwarding { get; init; }

    /// <summary>The file that was read; null for hosts and for text from the pipeline.</summary>
    public string? Path { get; init; }

    /// <summary>When it was read, by the host's own clock; null for texts and files.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    /// <summary>How many rules were read, of all tables.</summary>
    public int RuleCount => Rulesets.Sum(ruleset => ruleset.RuleCount);

    /// <summary>Whether a part of the rules is missing or could not be understood.</summary>
    public bool IsPartial => Rulesets.Any(set => set.IsPartial);

    /// <summary>
    /// Everything that was read: a ruleset for each back end and family, or the one text. Hidden from lists.
    /// </summary>
    internal IReadOnlyList<Ruleset> Rulesets { get; init; } = [];

    /// <summary>Why the rules could not be read; null when they were.</summary>
    internal Fault? Fault { get; init; }

    /// <summary>Why a part of the rules could not be read, though what was found decides; null when all was.</summary>
    internal Fault? Unread { get; init; }

    /// <summary>
    /// Reads a host's rules. <see cref="NatStatus.Incomplete"/> needs <see cref="ProbeSections.Files"/>, too.
    /// </summary>
    internal static NatIptablesState Read(HostSnapshot host)
    {
        var running = RunningRules.Read(host);
        NatAssessment assessment = running.Fault is null && running.WithIPv4.Count == 0
            ? new NatAssessment(NatStatus.Erased, Messages.NoTableInUse, [])
            : NatAssessment.Of(running.WithIPv4, host.Forwarding);

        // With a part unread, nothing is known to be missing.
        bool allRead = running.Fault is null && !running.WithIPv4.Any(ruleset => ruleset.IsPartial);
        if (allRead && assessment.Status == NatStatus.Healthy
            && MissingNat.Why(host, running.Rulesets, assessment.SourceNatRules) is { } missing)
            assessment = assessment with { Status = NatStatus.Incomplete, Reason = missing };

        // What could not be read may hold the NAT that is missed in the rest; what was found stays found.
        bool known = running.Fault is null || assessment.Status is NatStatus.Healthy or NatStatus.ForwardingOff;
        return new NatIptablesState
        {
            ComputerName = host.ComputerName,
            Origin = host.Origin,
            Status = known ? assessment.Status : NatStatus.Unknown,
            Reason = known ? assessment.Reason : running.Fault!.Message,
            SourceNatRules = [.. assessment.SourceNatRules],
            Rulesets = running.Rulesets,
            Forwarding = host.Forwarding,
            ReadAt = host.Clock,
            Fault = known ? null : running.Fault,
            Unread = running.Unread,
        };
    }

    /// <summary>Assesses a text.</summary>
    internal static NatIptablesState Of(Ruleset ruleset, string? path)
    {
        NatAssessment assessment = NatAssessment.Of([ruleset], forwarding: null);
        return new NatIptablesState
        {
            Status = assessment.Status,
            Reason = assessment.Reason,
            SourceNatRules = [.. assessment.SourceNatRules],
            Rulesets = [ruleset],
            Path = path,
        };
    }

    /// <inheritdoc/>
    public override string ToString() => Status.ToString();
}
