using System.Diagnostics;

namespace NatDsa.Targets;

/// <summary>One host's turn in a cmdlet. All that is run there comes out of one time limit; what waits for the administrator does not count.</summary>
/// <param name="target">The host.</param>
/// <param name="time">How long it may take in all.</param>
/// <param name="record">The object that names it; null when it was named otherwise.</param>
internal sealed class HostTurn(HostTarget target, TimeSpan time, HostRecord? record = null)
{
    private static readonly TimeSpan s_least = TimeSpan.FromMilliseconds(1);

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The host.</summary>
    public HostTarget Target => target;

    /// <summary>The object that it was named by, as <c>-InputObject</c>; null when it was named otherwise.</summary>
    public HostRecord? Record => record;

    /// <summary>Whether an error was written for it.</summary>
    public bool Failed { get; set; }

    /// <summary>Whether the time is up.</summary>
    public bool IsOver => _clock.Elapsed >= time;

    /// <summary>The limits of the next run: what is left of the time.</summary>
    public RunLimits Limits => new(time - _clock.Elapsed is var left && left > s_least ? left : s_least) { Given = time };

    /// <summary>Waits for something that is not the host's doing.</summary>
    public async Task<T> AsideAsync<T>(Task<T> question)
    {
        _clock.Stop();
        T answer = await question.ConfigureAwait(false);
        _clock.Start();
        return answer;
    }
}
