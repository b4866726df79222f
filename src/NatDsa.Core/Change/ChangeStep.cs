using System.Globalization;

namespace NatDsa;

/// <summary>How far a step came.</summary>
public enum ChangeStepStatus
{
    /// <summary>Not begun.</summary>
    Planned,

    /// <summary>Done and verified.</summary>
    Done,

    /// <summary>It failed. What it had begun was undone; a start of the agent is left to itself.</summary>
    Failed,

    /// <summary>It had been done, and was undone because a later step failed.</summary>
    Undone,

    /// <summary>It should have been undone, and that failed: the evidence says what is left to do.</summary>
    Stuck,
}

/// <summary>One step of a change.</summary>
public sealed record ChangeStep
{
    /// <summary>The step, such as <c>LoadRules</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Why this host needs it.</summary>
    public required string Reason { get; init; }

    /// <summary>What is run, as an administrator would type it.</summary>
    public required string Command { get; init; }

    /// <summary>What undoes it when a later step fails; null when it changes nothing.</summary>
    public string? Undo { get; init; }

    /// <summary>How far it came.</summary>
    public ChangeStepStatus Status { get; init; }

    /// <summary>What the host printed, of the undoing too.</summary>
    public string? Evidence { get; init; }

    /// <summary>How long it took by the host's own clock; null when it was not begun.</summary>
    public string? Duration => Took?.ToString("c", CultureInfo.InvariantCulture);

    /// <summary>The time itself: <see cref="Duration"/>, as scripts see it.</summary>
    internal TimeSpan? Took { get; init; }

    /// <summary>The step's name in steps.sh.</summary>
    internal string ScriptName { get; init; } = "";

    /// <inheritdoc/>
    public override string ToString() => Status == ChangeStepStatus.Planned ? Name : $"{Name}: {Status}";
}
