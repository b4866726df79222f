using NatDsa.Change;

namespace NatDsa;

/// <summary>What a restore did to one host.</summary>
public sealed class RestoreResult : ChangeResult
{
    internal RestoreResult(ChangeEnd end, NatBackup? backup, IReadOnlyList<RuleDifference> differences)
        : base(end)
    {
        KeptBackup = backup;
        RuleDifferences = [.. differences];
    }

    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>The backup whose rules the host was to get; null when what is told of is an earlier change that was rolled back.</summary>
    public string? Backup => KeptBackup?.ToString();

    /// <summary>In which rules the host differed from it before: an <c>Added</c> rule was taken away, a <c>Removed</c> one was brought back.</summary>
    public ReadableList<string> Differences => [.. RuleDifferences.Select(difference => difference.ToString())];

    /// <summary>The backup itself: <see cref="Backup"/>, as scripts see it.</summary>
    internal NatBackup? KeptBackup { get; }

    /// <summary>The differences themselves: <see cref="Differences"/>, as scripts see it.</summary>
    internal ReadableList<RuleDifference> RuleDifferences { get; }
}
