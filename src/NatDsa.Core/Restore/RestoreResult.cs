using NatDsa.Change;

namespace NatDsa;

/// <summary>What a restore did to one host.</summary>
public sealed class RestoreResult : ChangeResult
{
    internal RestoreResult(ChangeEnd end, NatBackup? backup, IReadOnlyList<RuleDifference> differences)
        : base(end)
    {
        Backup = backup;
        Differences = differences;
    }

    /// <summary>The backup whose rules the host was to get; null when what is told of is an earlier change that was rolled back.</summary>
    public NatBackup? Backup { get; }

    /// <summary>In which rules the host differed from it before: an <c>Added</c> rule was taken away, a <c>Removed</c> one was brought back.</summary>
    public IReadOnlyList<RuleDifference> Differences { get; }
}
