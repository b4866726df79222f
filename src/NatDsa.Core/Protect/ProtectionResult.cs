using NatDsa.Change;

namespace NatDsa;

/// <summary>How well a host's NAT is protected, and what was done for that.</summary>
public sealed class ProtectionResult : ChangeResult
{
    internal ProtectionResult(ChangeEnd end, NatBackup? backup, IReadOnlyList<string> risksLeft)
        : base(backup is { Added: true } && end.Verdict.Outcome == ChangeOutcome.NothingToDo ? end with { Verdict = end.Verdict with { Outcome = ChangeOutcome.Done } } : end)
    {
        KeptBackup = backup;
        RisksLeft = [.. risksLeft];
    }

    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>The backup that the host keeps of this state; null when none could be kept, or its rules do no NAT.</summary>
    public string? Backup => KeptBackup?.ToString();

    /// <summary>What can still take the NAT away, or is to be known, in words; empty when nothing is.</summary>
    public ReadableList<string> RisksLeft { get; }

    /// <summary>The backup itself: <see cref="Backup"/>, as scripts see it.</summary>
    internal NatBackup? KeptBackup { get; }
}
