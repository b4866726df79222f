using System.Globalization;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>A repair that meets another one, is left alone by who started it, or dies.</summary>
public sealed class InterruptedRepairTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Repair = "Repair-DsaNatHost @nat -Confirm:0";

    private const string KillAllThatHoldTheLock = """
        while
            holders=$(find /proc/[0-9]*/fd -lname /var/lib/natdsa/lock 2>/dev/null | cut -d/ -f3 | sort -u)
            [ -n "$holders" ]
        do
            kill -9 $holders || true
        done
        """;

    // The second time nothing is left to do but what the first is at, which may be taken back yet.
    [Theory]
    [InlineData(RepairMoment.Rules)]
    [InlineData(RepairMoment.Agent)]
    public async Task Of_two_repairs_at_once_one_is_refused_and_the_other_is_done(RepairMoment moment)
    {
        await host.BreakAsync();
        var gate = await RepairGate.CloseAsync(host, moment);
        await using var first = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        using var other = new LabShell(host.Lab);
        var before = await host.Nat.SnapshotAsync();
        var second = await other.RunAsync(Repair);
        Assert.Equal("LockHeld", second.ErrorId);
        await host.AssertUnchangedSinceAsync(before, second.ToString());

        await gate.OpenAsync();
        Assert.Equal(ChangeOutcome.Done, (await first.Answer).Only<RepairResult>().Outcome);
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Theory]
    [InlineData("work")]
    [InlineData("fail")]
    public async Task A_repair_whose_connection_is_cut_comes_to_its_end(string restart)
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("restart", restart);
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Rules);
        using var shell = new LabShell(host.Lab);
        await using var repair = await shell.StartAsync("Repair-DsaNatHost @natSsh -Confirm:0");
        await gate.ReachedAsync();

        // Both the server's end of the connection and the program that serves PowerShell there. The cmdlet goes on over a new one.
        await host.OnNatAsync("pkill -9 -f '[s]shd: root|[n]atdsa -sshs'");
        await gate.OpenAsync();
        var answer = await repair.Answer;

        if (restart == "work")
        {
            var result = answer.Only<RepairResult>();
            Assert.Equal((ChangeOutcome.Done, RuleConfirmation.NewConnection), (result.Outcome, result.Confirmation));
            Assert.True((await host.Lab.FetchAsync()).Answered);
            Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
            return;
        }

        Assert.Equal(
            ("AgentRestartFailed", ChangeOutcome.Incomplete),
            (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        Assert.True((await host.Lab.FetchAsync()).Answered);
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
        await using var repair = await shell.StartAsync("Repair-DsaNatHost @natSsh -Confirm:0 -UndoOnAgentFailure");
        await gate.ReachedAsync();
        await host.OnNatAsync("pkill -9 -f '[s]shd: root|[n]atdsa -sshs'");
        await gate.OpenAsync();
        var answer = await repair.Answer;
        Assert.Equal("RepairFailed", answer.ErrorId);

        // The manifest is the last of the backup: without it nothing may have been begun, and nothing could be undone.
        await host.OnNatAsync("ls /var/lib/natdsa/*/manifest");
        await host.AssertUnchangedSinceAsync(before, "", "/var/lib/natdsa", "/usr/local/sbin", "module dsa_filter");
        await host.Lab.SetFaultAsync("restart", "work");
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task A_repair_that_nobody_waits_for_any_more_is_taken_back_and_told_of_once()
    {
        await host.BreakAsync();
        var before = await host.Nat.SnapshotAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Rules);
        using (var program = LabCommand.Start(LabPwsh.Here(
            $"Repair-DsaNatHost -ComputerName {host.Nat.Address} -Port {host.Lab.Port} -UserName root "
            + $"-KeyFile '{host.Lab.KeyFilePath}' -KnownHostsPath '{host.Lab.KnownHostsPath}' -Confirm:0 -RollbackSec 5")))
        {
            Task<string>[] said = [program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)];
            try
            {
                await gate.ReachedAsync();
                (await LabCommand.RunAsync(["kill", "-INT", program.Id.ToString(CultureInfo.InvariantCulture)], cancellationToken: TestContext.Current.CancellationToken)).EnsureSucceeded();
                await program.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            }
            finally
            {
                LabCommand.Kill(program);
            }

            Assert.Contains($"{host.Nat.Address}: the host goes on with the change", string.Concat(await Task.WhenAll(said)), StringComparison.Ordinal);
        }

        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);
        await host.AssertUnchangedSinceAsync(before, "", "/var/lib/natdsa", "/usr/local/sbin");
        var told = await host.RunAsync(Repair);
        Assert.Equal(("RolledBack", ChangeOutcome.RolledBack), (told.ErrorId, told.Despite<RepairResult>().Outcome));
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task The_newest_transactions_stay_and_those_with_something_left_to_do()
    {
        await host.BreakAsync();
        // Of each year one, since 2001; that of 2002 is stuck, that of 2003 a link to somewhere else, and that of 2004 came to its end just now.
        await host.OnNatAsync("""
            mkdir -p -m 0700 /var/lib/natdsa/backups /srv/elsewhere/state
            : >/srv/elsewhere/state/done
            for year in $(seq 2001 2024); do
                folder=/var/lib/natdsa/${year}0101T000000Z-00000000
                case $year in
                    2002) mkdir -p $folder/state && : >$folder/state/stuck ;;
                    2003) ln -s /srv/elsewhere $folder && continue ;;
                    *) mkdir -p $folder/state && : >$folder/state/done ;;
                esac
                if [ $year != 2004 ]; then touch -d '40 days ago' $folder/state; fi
            done
            """);
        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        string[] left = (await host.OnNatAsync("ls /var/lib/natdsa | grep Z-; rm -r /srv/elsewhere/state/done /srv/elsewhere")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["2002", "2003", "2004", .. Enumerable.Range(2006, 19).Select(year => $"{year}")], left[..^1].Select(folder => folder[..4]));
        Assert.Equal(repair.BackupPath, "/var/lib/natdsa/" + left[^1]);
    }

    [Fact]
    public async Task A_repair_that_takes_too_long_is_told_and_comes_to_its_end()
    {
        await host.BreakAsync();
        var before = await host.Nat.SnapshotAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Backup);

        // Its backup takes longer than that.
        var answer = await host.RunAsync($"{Repair} -TimeoutSec 7 -RollbackSec 5");
        Assert.Equal("TimedOut", answer.ErrorId);
        await gate.OpenAsync();
        await RepairGate.FreeAsync(host);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "/usr/local/sbin");
        // Nobody has confirmed the rules, which is told now, once.
        Assert.Equal("RolledBack", (await host.RunAsync(Repair)).ErrorId);
        await AssertRepairedAsync();
    }

    [Theory]
    [InlineData(RepairMoment.Rules)]
    [InlineData(RepairMoment.Service)]
    [InlineData(RepairMoment.Boot)]
    public async Task A_repair_that_is_killed_is_taken_back_by_its_guard_and_the_next_one_succeeds(RepairMoment moment)
    {
        await host.BreakAsync();
        var before = await host.Nat.SnapshotAsync();
        var gate = await RepairGate.CloseAsync(host, moment);
        await using var repair = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        await host.OnNatAsync("kill -9 $(cat /var/lib/natdsa/*/worker); : >/run/gate/open");
        var answer = await repair.Answer;
        Assert.True(answer.ErrorId == "RolledBack", answer.ToString());
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "/usr/local/sbin", "/usr/sbin/chkconfig", "/etc/rc.d/init.d/iptables", "/etc/rc.d/init.d/ds_agent", "module dsa_filter");
        await AssertRepairedAsync();
        Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunUnchangedAsync(Repair)).Only<RepairResult>().Outcome);
    }

    /// <summary>What the people behind the host need was proven by then.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_repair_that_is_killed_while_the_agent_restarts_leaves_the_rules_and_the_restart(bool guardToo)
    {
        await host.BreakAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Agent);
        await using var repair = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        await host.OnNatAsync(guardToo
            ? KillAllThatHoldTheLock
            : "kill -9 $(cat /var/lib/natdsa/*/worker)");
        var answer = await repair.Answer;
        Assert.Equal(
            ("AgentRestartFailed", ChangeOutcome.Incomplete),
            (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        Assert.Contains("NAT is back and stays. ds_agent is still", answer.ToString(), StringComparison.Ordinal);
        Assert.True((await host.Lab.FetchAsync()).Answered);

        await gate.OpenAsync();
        Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunAsync(Repair)).Only<RepairResult>().Outcome);
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task A_repair_that_is_killed_with_its_guard_holds_no_lock_and_the_next_one_succeeds()
    {
        await host.BreakAsync();
        var gate = await RepairGate.CloseAsync(host, RepairMoment.Service);
        await using var repair = await host.StartAsync(Repair);
        await gate.ReachedAsync();

        // One of those who hold the lock may have come to its end by itself before it is killed.
        await host.OnNatAsync(KillAllThatHoldTheLock);
        var answer = await repair.Answer;
        Assert.Equal(("RepairFailed", ChangeOutcome.Stuck), (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
        await gate.OpenAsync();
        await AssertRepairedAsync();
    }

    private async Task AssertRepairedAsync()
    {
        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Contains(repair.Outcome, new[] { ChangeOutcome.Done, ChangeOutcome.NothingToDo });
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(DsaRisk.Protected, (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
        Assert.Equal("on", (await host.OnNatAsync("chkconfig --list iptables | grep -o '3:on' | cut -d: -f2")).Trim());
        await host.Lab.RestartAgentAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }
}
