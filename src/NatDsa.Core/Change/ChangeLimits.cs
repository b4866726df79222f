namespace NatDsa.Change;

/// <summary>How long the parts of a transaction may take.</summary>
internal sealed record ChangeLimits
{
    /// <summary>The time limit of each step but the agent's restart.</summary>
    public TimeSpan Step { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time limit of the agent's restart.</summary>
    public TimeSpan Agent { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>How long the rules must stay after the agent has started.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long rules that were loaded wait for a new connection before the host takes them back.</summary>
    public TimeSpan Rollback { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time limit of an owner's reload: what is left of the time until the host takes its rules back is for the new connection.</summary>
    public TimeSpan Owner => Min(Step, Rollback * 2 / 3);

    /// <summary>How long the script that begins may wait until it has something to tell.</summary>
    public TimeSpan FirstNews { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The limits that fit into the time that a host is given: a restart of the agent that hangs, and the attempt to start it
    /// again when that is undone, must end while somebody still waits for the answer. What comes before, in between and after takes a slow host some seconds.
    /// </summary>
    public static ChangeLimits Within(TimeSpan time)
    {
        var usual = new ChangeLimits();
        TimeSpan agent = (time - TimeSpan.FromSeconds(12)) / 3;
        return usual with { Step = Min(usual.Step, time / 5), Agent = Min(usual.Agent, agent < time / 6 ? time / 6 : agent) };
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
