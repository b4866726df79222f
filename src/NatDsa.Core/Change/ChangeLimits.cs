namespace NatDsa.Change;

/// <summary>How long the parts of a transaction may take.</summary>
internal sealed record ChangeLimits
{
    /// <summary>The time limit of each step but the agent's restart.</summary>
    public TimeSpan Step { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the agent's restart is waited for, which nobody ends.</summary>
    public TimeSpan Agent { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>How long the rules must stay after the agent has started, and the agent run.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long rules that were loaded wait for a new connection before the host takes them back.</summary>
    public TimeSpan Rollback { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time limit of an owner's reload: what is left of the time until the host takes its rules back is for the new connection.</summary>
    public TimeSpan Owner => Min(Step, Rollback * 2 / 3);

    /// <summary>How long the script that begins may wait until it has something to tell.</summary>
    public TimeSpan FirstNews { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The limits that fit into the time that a host is given: what is to be said of an agent that is still starting
    /// must be said while somebody waits for the answer. What comes before and after takes a slow host some seconds.
    /// </summary>
    public static ChangeLimits Within(TimeSpan time)
    {
        var usual = new ChangeLimits();
        TimeSpan agent = (time - TimeSpan.FromSeconds(12)) * 2 / 3;
        return usual with { Step = Min(usual.Step, time / 5), Agent = Min(usual.Agent, agent < time / 6 ? time / 6 : agent) };
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
