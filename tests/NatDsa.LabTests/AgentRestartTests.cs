using Xunit;

namespace NatDsa.LabTests;

/// <summary>What a repair does with the agent: when it restarts or starts it, and what becomes of the rules.</summary>
public sealed class AgentRestartTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Repair = "Repair-DsaNatHost @nat -Confirm:0";

    [Fact]
    public async Task Where_nothing_may_pass_an_unprotected_host_a_restart_that_fails_undoes_the_repair()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "fail");
        var before = await host.Nat.SnapshotAsync();

        var answer = await host.RunAsync($"{Repair} -UndoOnAgentFailure");
        Assert.Equal("RepairFailed", answer.ErrorId);
        var repair = answer.Despite<RepairResult>();
        Assert.Equal(ChangeStepStatus.Undone, repair.Steps.Single(s => s.Name == "LoadRules").Status);
        Assert.Equal(NatStatus.Erased, repair.After);
        // The agent that would not start is down: that could not be undone, and is said.
        Assert.Equal(ChangeOutcome.Stuck, repair.Outcome);
        Assert.Contains("-UndoOnAgentFailure", repair.Reason, StringComparison.Ordinal);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "module dsa_filter");
    }

    /// <summary>
    /// The agent is started again while the repair is undone; its filter, late as the real one's, must still find the
    /// marker.
    /// </summary>
    [Fact]
    public async Task Undoing_leaves_the_rules_that_were_left_alone()
    {
        await host.BreakAsync();
        await host.OnNatAsync("iptables -A INPUT -p tcp --dport 8080 -j DROP");
        await host.Lab.SetFaultAsync("restart", "fail-once");
        await host.Lab.SetFaultAsync("filter-after", "2");

        var answer = await host.RunAsync($"{Repair} -UndoOnAgentFailure");
        Assert.Equal(
            ("RepairFailed", ChangeOutcome.Undone),
            (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        Assert.Null(await host.Nat.ReadFileAsync("/etc/use_dsa_with_iptables"));
        await host.OnNatAsync("sleep 3; lsmod | grep -q dsa_filter");
        Assert.Contains("--dport 8080 -j DROP", await host.OnNatAsync("iptables-save"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_marker_stays_for_an_agent_that_is_still_starting_when_the_repair_is_undone()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "hang");

        var answer = await host.RunAsync($"{Repair} -UndoOnAgentFailure -TimeoutSec 36");
        Assert.Equal(
            ("RepairFailed", ChangeOutcome.Stuck),
            (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        await host.OnNatAsync("""
            pgrep -f 'ds_agent [r]estart'
            test -f /etc/use_dsa_with_iptables && test ! -e /run/lab/ds_agent.signals
            """);
    }

    [Fact]
    public async Task Without_the_restart_of_the_agent_the_rules_come_back()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "fail");
        var repair = (await host.RunAsync($"{Repair} -SkipAgentRestart")).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, DsaRisk.Protected), (repair.Outcome, repair.RiskAfter));
        Assert.DoesNotContain(repair.Steps, s => s.Name == "RestartAgent");
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Fact]
    public async Task The_agent_runs_as_the_boot_would_start_it()
    {
        await host.BreakAsync();
        (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Equal("0022 /\n", await host.OnNatAsync("""
            agent=$(cat /var/run/ds_agent.pid)
            echo "$(sed -n 's/^Umask:[[:space:]]*//p' /proc/$agent/status) $(readlink /proc/$agent/cwd)"
            """));
    }

    /// <summary>Late: after the agent's command has come back.</summary>
    [Theory]
    [InlineData("0")]
    [InlineData("2")]
    public async Task Rules_that_the_agent_erases_in_spite_of_the_marker_are_loaded_once_more(string after)
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("marker", "ignored");
        await host.Lab.SetFaultAsync("erase-after", after);

        var answer = await host.RunAsync(Repair);
        var repair = answer.Despite<RepairResult>();
        Assert.Equal(
            ("AgentRestartFailed", ChangeOutcome.Incomplete, NatStatus.Healthy),
            (answer.ErrorId, repair.Outcome, repair.After));
        Assert.Contains("They were loaded once more, and are in place", repair.Reason, StringComparison.Ordinal);
        Assert.True(repair.AfterReboot!.Ready, repair.AfterReboot.Reason);
        Assert.True((await host.Lab.FetchAsync()).Answered);
        await host.OnNatAsync("test -f /etc/use_dsa_with_iptables && pgrep -f '[o]pt/ds_agent/ds_agent'");
    }

    [Fact]
    public async Task An_agent_that_does_not_run_is_told_of_and_started_with_the_marker_in_place()
    {
        await host.BreakAsync();
        (await host.RunAsync(Repair)).Only<RepairResult>();
        await host.OnNatAsync("/etc/init.d/ds_agent stop; rm /etc/use_dsa_with_iptables");

        var agent = (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>();
        Assert.Equal((false, true), (agent.Running, agent.StartsAtBoot));
        Assert.Contains("does not run", agent.Reason, StringComparison.Ordinal);
        Assert.Contains(
            (await host.RunAsync("Protect-DsaNatHost @nat")).Only<ProtectionResult>().RisksLeft,
            risk => risk.Contains("does not run", StringComparison.Ordinal));
        await host.OnNatAsync("rm /etc/use_dsa_with_iptables");

        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Equal(["Backup", "CreateMarker", "StartAgent"], repair.Steps.Select(s => s.Name));
        Assert.Equal(ChangeOutcome.Done, repair.Outcome);
        await host.OnNatAsync("pgrep -f '[o]pt/ds_agent/ds_agent'");
        Assert.True((await host.Lab.FetchAsync()).Answered);

        // Whoever has switched it off wants it so.
        await host.OnNatAsync("/etc/init.d/ds_agent stop; chkconfig ds_agent off");
        Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
    }
}
