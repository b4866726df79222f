using Xunit;

namespace NatDsa.LabTests;

/// <summary>A repair that meets another one, is left alone by who started it, or dies.</summary>
public sealed class InterruptedRepairTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Repair = "Repair-DsaNatHost @nat -Confirm:0";

    [Fact]
    public async Task Of_two_repairs_at_once_one_is_refused_and_the_other_is_done()
    {
        await host.BreakAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Rules);
        await using var first = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        using var other = new LabShell(host.Lab);
        var before = await host.Nat.SnapshotAsync();
        var second = await other.RunAsync(Repair);
        Assert.Equal("LockHeld", second.ErrorId);
        await host.AssertUnchangedSinceAsync(before, second.ToString());

        await gate.OpenAsync();
        Assert.Equal(RepairOutcome.Repaired, (await first.Answer).Only<RepairResult>().Outcome);
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Theory]
    [InlineData("work")]
    [InlineData("fail")]
    public async Task A_repair_whose_connection_is_cut_comes_to_its_end(string restart)
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", restart);
        var before = await host.Nat.SnapshotAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Rules);
        using var shell = new LabShell(host.Lab);
        await using var repair = await shell.StartAsync("Repair-DsaNatHost @natSsh -Confirm:0");
        await gate.ReachedAsync();

        // Both the server's end of the connection and the program that serves PowerShell there.
        await host.OnNatAsync("kill -9 $(pgrep -f '[s]shd: root') $(pgrep -f '[n]atdsa -sshs')");
        Assert.Equal("TargetUnreachable", (await repair.Answer).ErrorId);
        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);

        if (restart == "work")
        {
            Assert.True((await host.Lab.FetchAsync()).Answered);
            Assert.Equal(RepairOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
            return;
        }

        await host.AssertUnchangedSinceAsync(before, "", "/var/lib/natdsa", "/etc/rc.d/init.d/iptables", "module dsa_filter");
        await host.Lab.SetFaultAsync("restart", "work");
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task A_connection_that_is_cut_during_the_backup_does_not_spare_the_backup()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "fail");
        var before = await host.Nat.SnapshotAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Backup);
        using var shell = new LabShell(host.Lab);
        await using var repair = await shell.StartAsync("Repair-DsaNatHost @natSsh -Confirm:0");
        await gate.ReachedAsync();
        await host.OnNatAsync("kill -9 $(pgrep -f '[s]shd: root') $(pgrep -f '[n]atdsa -sshs')");
        var answer = await repair.Answer;
        Assert.Equal("TargetUnreachable", answer.ErrorId);
        Assert.Contains("Get-NatIptablesState", answer.Errors[0].ToString(), StringComparison.Ordinal);
        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);

        // The manifest is the last of the backup: without it nothing may have been begun, and nothing could be undone.
        await host.OnNatAsync("ls /var/lib/natdsa/*/manifest /var/lib/natdsa/*/undo-marker.log");
        await host.AssertUnchangedSinceAsync(before, "", "/var/lib/natdsa", "/usr/local/sbin", "module dsa_filter");
        await host.Lab.SetFaultAsync("restart", "work");
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task A_repair_that_nobody_waits_for_any_more_comes_to_its_end()
    {
        await host.BreakAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Rules);
        await using (var repair = await host.StartAsync($"{Repair} -TimeoutSec 60"))
        {
            await gate.ReachedAsync();
            await repair.StopAsync().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.True((await repair.Answer).Stopped);
        }

        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(RepairOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
    }

    [Fact]
    public async Task A_repair_that_takes_too_long_is_told_and_comes_to_its_end()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", "hang");
        var before = await host.Nat.SnapshotAsync();

        // The restart gets three of these seconds, two more until it is killed, and so does the start that undoes it.
        var answer = await host.RunAsync($"{Repair} -TimeoutSec 7");
        Assert.Equal("TimedOut", answer.ErrorId);
        await RepairGate.FreeAsync(host);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "module dsa_filter");
        await host.Lab.SetFaultAsync("restart", "work");
        await AssertRepairedAsync();
    }

    [Theory]
    [InlineData(RepairMoment.Rules)]
    [InlineData(RepairMoment.Boot)]
    [InlineData(RepairMoment.Agent)]
    public async Task A_repair_that_is_killed_holds_no_lock_and_the_next_one_succeeds(RepairMoment moment)
    {
        await host.BreakAsync();
        await host.OnNatAsync("sed -i 's/^IPTABLES_SAVE_ON_RESTART=.*/IPTABLES_SAVE_ON_RESTART=\"yes\"/' /etc/sysconfig/iptables-config");
        var config = await host.Nat.ReadFileAsync("/etc/sysconfig/iptables-config");
        var rules = await host.Nat.ReadFileAsync("/etc/sysconfig/iptables");
        var gate = await RepairGate.CloseAsync(host, moment);
        await using var repair = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        // The shell that runs the script is the one that has the lock open.
        await host.OnNatAsync("""
            holder=$(find /proc/[0-9]*/fd -lname /var/lib/natdsa/lock 2>/dev/null | head -n 1)
            holder=${holder#/proc/}
            kill -9 "${holder%%/*}"
            """);
        Assert.Equal("AnswerBroken", (await repair.Answer).ErrorId);

        // The step that it died in goes on to its end.
        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);
        await AssertRepairedAsync();
        Assert.Equal(rules, await host.Nat.ReadFileAsync("/etc/sysconfig/iptables"));
        Assert.Equal(config, await host.Nat.ReadFileAsync("/etc/sysconfig/iptables-config"));
        Assert.Equal(RepairOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
    }

    private async Task AssertRepairedAsync()
    {
        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Contains(repair.Outcome, new[] { RepairOutcome.Repaired, RepairOutcome.NothingToDo });
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(DsaRisk.Protected, (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
        Assert.Equal("on", (await host.OnNatAsync("chkconfig --list iptables | grep -o '3:on' | cut -d: -f2")).Trim());
        await host.Lab.RestartAgentAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }
}
