using NatDsa.Targets;
using Xunit;

namespace NatDsa.Tests.Targets;

public sealed class HostTurnTests
{
    [Fact]
    public async Task What_runs_one_after_another_comes_out_of_one_time_limit()
    {
        var turn = new HostTurn(new LocalTarget(), TimeSpan.FromSeconds(60));
        RunLimits first = turn.Limits;
        await Task.Delay(20, TestContext.Current.CancellationToken);
        RunLimits second = turn.Limits;
        Assert.True(second.Time < first.Time && first.Time <= TimeSpan.FromSeconds(60), $"{first.Time} {second.Time}");
        Assert.Equal(TimeSpan.FromSeconds(60), second.Given);
    }

    [Fact]
    public async Task A_time_that_is_used_up_leaves_a_run_that_ends_at_once()
    {
        var turn = new HostTurn(new LocalTarget(), TimeSpan.Zero);
        await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Equal(TimeSpan.FromMilliseconds(1), turn.Limits.Time);
    }

    [Fact]
    public async Task The_administrators_thinking_does_not_count()
    {
        var turn = new HostTurn(new LocalTarget(), TimeSpan.FromMinutes(1));
        var thinking = new TaskCompletionSource<bool>();
        Task<bool> answer = turn.AsideAsync(thinking.Task);
        RunLimits before = turn.Limits;
        await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal(before, turn.Limits);
        thinking.SetResult(true);
        Assert.True(await answer);
    }
}
