namespace NatDsa.Repair;

/// <summary>What the administrator asked for.</summary>
/// <param name="NewRules">The text of an iptables-save file to make the persisted rules; null: the host's own persisted rules.</param>
/// <param name="NewRulesPath">Where that text was read from, for messages.</param>
/// <param name="SkipAgentRestart">Leave the agent as it runs.</param>
internal sealed record RepairOptions(string? NewRules = null, string? NewRulesPath = null, bool SkipAgentRestart = false)
{
    /// <summary>The time limit of each step but the agent's restart.</summary>
    public TimeSpan StepLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time limit of the agent's restart.</summary>
    public TimeSpan AgentLimit { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>How long the rules must stay after the agent has started.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long rules that were loaded wait for a new connection before the host takes them back.</summary>
    public TimeSpan Rollback { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the script that begins may wait until it has something to tell.</summary>
    public TimeSpan FirstNews { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The same with limits that fit into the time that a host is given: a restart of the agent that hangs, and the attempt to start it
    /// again when that is undone, must end while somebody still waits for the answer.
    /// </summary>
    public RepairOptions Within(TimeSpan time) => this with
    {
        StepLimit = Min(StepLimit, time / 5),
        AgentLimit = Min(AgentLimit, time / 3),
    };

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
