using Xunit;

namespace NatDsa.LabTests;

/// <summary>A repair of a host whose agent does not come back, or comes back and erases the rules all the same.</summary>
public sealed class AgentRestartTests(SharedLab host) : IClassFixture<SharedLab>
{
    [Theory]
    [InlineData("restart", "fail", 300)]
    // The restart and the start that undoes it get 8 s each.
    [InlineData("restart", "hang", 36)]
    [InlineData("marker", "ignored", 300)]
    public async Task A_restart_that_goes_wrong_undoes_the_repair(string fault, string value, int seconds)
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync(fault, value);
        var before = await host.Nat.SnapshotAsync();

        var answer = await host.RunAsync($"Repair-DsaNatHost @nat -TimeoutSec {seconds} -Confirm:0");
        Assert.Equal("RepairFailed", answer.ErrorId);
        var repair = answer.Despite<RepairResult>();
        Assert.Equal(ChangeStepStatus.Undone, repair.Steps.Single(s => s.Name == "LoadRules").Status);
        Assert.Equal(NatStatus.Erased, repair.After);

        // The agent that would not start is down: that could not be undone, and is said.
        Assert.Equal(value == "ignored" ? ChangeOutcome.Undone : ChangeOutcome.Stuck, repair.Outcome);
        Assert.Contains("Repair-DsaNatHost -SkipAgentRestart", repair.Reason, StringComparison.Ordinal);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "module dsa_filter");
        Assert.Equal("", await host.OnNatAsync("pgrep -f 'ds_agent [r]estart' || true"));
    }

    [Fact]
    public async Task Without_the_restart_of_the_agent_the_rules_come_back()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "fail");
        var repair = (await host.RunAsync("Repair-DsaNatHost @nat -SkipAgentRestart -Confirm:0")).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, DsaRisk.Protected), (repair.Outcome, repair.RiskAfter));
        Assert.DoesNotContain(repair.Steps, s => s.Name == "RestartAgent");
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Fact]
    public async Task The_agent_runs_as_the_boot_would_start_it()
    {
        await host.BreakAsync();
        (await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0")).Only<RepairResult>();
        Assert.Equal("0022 /\n", await host.OnNatAsync("agent=$(cat /var/run/ds_agent.pid); echo \"$(sed -n 's/^Umask:[[:space:]]*//p' /proc/$agent/status) $(readlink /proc/$agent/cwd)\""));
    }

    [Fact]
    public async Task Rules_that_the_agent_erases_late_are_noticed()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("marker", "ignored");
        await host.Lab.SetFaultAsync("erase-after", "2");
        Assert.Equal("RepairFailed", (await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0")).ErrorId);
    }

    /// <summary>The agent is started again while the repair is undone; its filter, late as the real one's, must still find the marker.</summary>
    [Fact]
    public async Task Undoing_leaves_the_rules_that_were_left_alone()
    {
        await host.BreakAsync();
        await host.OnNatAsync("iptables -A INPUT -p tcp --dport 8080 -j DROP");
        await host.Lab.SetFaultAsync("restart", "fail-once");
        await host.Lab.SetFaultAsync("filter-after", "2");

        var answer = await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0");
        Assert.Equal(("RepairFailed", ChangeOutcome.Undone), (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        Assert.Null(await host.Nat.ReadFileAsync("/etc/use_dsa_with_iptables"));
        await host.OnNatAsync("sleep 3; lsmod | grep -q dsa_filter");
        Assert.Contains("--dport 8080 -j DROP", await host.OnNatAsync("iptables-save"), StringComparison.Ordinal);
    }
}
