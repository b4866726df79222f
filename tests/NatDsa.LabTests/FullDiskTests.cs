using Xunit;

namespace NatDsa.LabTests;

/// <summary>A repair on a host whose disk is full, or gets full while it is at work.</summary>
public sealed class FullDiskTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Backups = "/var/lib/natdsa";
    private const string Settings = "/etc/sysconfig";
    private const string Repair = "Repair-DsaNatHost @nat -Confirm:0";

    [Theory]
    // The sizes are those of the file system, in pages: none left, and too few for the backup.
    [InlineData(1)]
    [InlineData(3)]
    public async Task Without_room_for_the_backup_nothing_is_begun(int pages)
    {
        await host.BreakAsync();
        var before = await host.Nat.SnapshotAsync();
        await using (await SmallDisk.MountAsync(host, Backups, pages))
        {
            var answer = await host.RunAsync(Repair);
            Assert.Equal("RepairFailed", answer.ErrorId);
            var repair = answer.Despite<RepairResult>();
            Assert.Equal((ChangeOutcome.Refused, (string?)null), (repair.Outcome, repair.BackupPath));
            Assert.Matches("No space left|could not be written", answer.Errors[0].ToString());
            await host.AssertUnchangedSinceAsync(before, answer.ToString(), Backups);
        }

        await AssertRepairedAsync();
    }

    [Fact]
    public async Task A_disk_that_gets_full_on_the_way_leaves_the_host_repaired_or_as_it_was()
    {
        await host.BreakAsync();
        await host.OnNatAsync($"sed -i '2i cat /dev/zero >{Backups}/fill 2>/dev/null' /usr/sbin/chkconfig");
        var before = await host.Nat.SnapshotAsync();
        await using (await SmallDisk.MountAsync(host, Backups, pages: 100))
        {
            var answer = await host.RunAsync(Repair);
            if (answer.Despite<RepairResult>().Outcome == ChangeOutcome.Done)
            {
                Assert.True((await host.Lab.FetchAsync()).Answered);
                Assert.Equal(DsaRisk.Protected, (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
            }
            else
            {
                Assert.Equal(("RepairFailed", ChangeOutcome.Undone), (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
                await host.AssertUnchangedSinceAsync(before, answer.ToString(), Backups);
            }
        }

        await host.OnNatAsync("sed -i 2d /usr/sbin/chkconfig");
        await AssertRepairedAsync();
    }

    [Fact]
    public async Task Persisted_rules_that_cannot_be_written_are_left_whole()
    {
        await host.BreakAsync();
        await using (await SmallDisk.MountAsync(host, Settings, pages: 16))
        {
            await host.OnNatAsync($"cat /dev/zero >{Settings}/fill || true");
            var files = await host.OnNatAsync($"find {Settings} -type f | sort | xargs sha256sum");
            var before = await host.Nat.SnapshotAsync();

            var answer = await host.RunAsync($"Repair-DsaNatHost @nat -RulesPath '{LabPaths.Root}/tests/Lab/rules/standard.v4' -Confirm:0");
            Assert.Equal(("RepairFailed", ChangeOutcome.Undone), (answer.ErrorId, answer.Despite<RepairResult>().Outcome));
            Assert.Equal("InstallRules", answer.Despite<RepairResult>().Steps.Single(s => s.Status == ChangeStepStatus.Failed).Name);
            Assert.Equal(files, await host.OnNatAsync($"find {Settings} -type f | sort | xargs sha256sum"));
            await host.AssertUnchangedSinceAsync(before, answer.ToString(), Backups);
        }

        await AssertRepairedAsync();
    }

    private async Task AssertRepairedAsync()
    {
        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Contains(repair.Outcome, new[] { ChangeOutcome.Done, ChangeOutcome.NothingToDo });
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }
}
