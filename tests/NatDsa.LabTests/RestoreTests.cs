using System.Runtime.Versioning;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>A host with real rules gets those of a backup back.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RestoreTests(SharedLab host) : IClassFixture<SharedLab>, IDisposable
{
    private const string Restore = "Restore-NatIptablesState @nat -Confirm:0";

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("@nat")]
    [InlineData("@natPlain")]
    [InlineData("@natSsh")]
    public async Task Running_and_persisted_rules_are_those_of_the_newest_good_backup_again(string target)
    {
        await host.RenewAsync();
        await host.OnNatAsync("ip6tables -A INPUT -s 2001:db8::/32 -j DROP; iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j ACCEPT -m comment --comment \"it's \\$(id) \\`id\\` \\\\ ü\"");
        string rules = await RulesAsync();
        var backup = (await host.RunAsync($"Backup-NatIptablesState {target}")).Only<NatBackup>();
        await host.OnNatAsync("iptables -t nat -F; iptables -t mangle -A PREROUTING -j MARK --set-mark 1; ip6tables -F; sed -i '/MASQUERADE/d' /etc/sysconfig/iptables");
        Assert.False((await host.Lab.FetchAsync()).Answered);

        var restored = (await host.RunAsync($"Restore-NatIptablesState {target} -Confirm:0")).Only<RestoreResult>();
        Assert.Equal(
            (ChangeOutcome.Done, NatStatus.Healthy, backup.Id),
            (restored.Outcome, restored.After, restored.KeptBackup?.Id));
        Assert.Equal(RuleConfirmation.NewConnection, restored.Confirmation);
        Assert.Equal(rules, await RulesAsync());
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Contains("MASQUERADE", await host.Nat.ReadFileAsync("/etc/sysconfig/iptables"), StringComparison.Ordinal);

        var again = (await host.RunUnchangedAsync($"Restore-NatIptablesState {target} -Confirm:0")).Only<RestoreResult>();
        Assert.Equal(ChangeOutcome.NothingToDo, again.Outcome);
    }

    [Fact]
    public async Task A_file_that_was_replaced_is_put_back_when_the_next_cannot_be()
    {
        await host.RenewAsync();
        await host.OnNatAsync("echo '# good' >/etc/nftables.conf");
        await host.RunAsync("Backup-NatIptablesState @nat");
        await host.OnNatAsync("echo '# newer' >/etc/nftables.conf; sed -i '/MASQUERADE/d' /etc/sysconfig/iptables; mount --bind /etc/sysconfig /etc/sysconfig && mount -o remount,ro,bind /etc/sysconfig");
        try
        {
            var before = await host.Nat.SnapshotAsync();
            var answer = await host.RunAsync(Restore);
            Assert.Equal(("RestoreFailed", ChangeOutcome.Undone), (answer.ErrorId, answer.Despite<RestoreResult>().Outcome));
            await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa");
        }
        finally
        {
            await host.OnNatAsync("umount /etc/sysconfig");
        }
    }

    [Fact]
    public async Task A_backup_is_taken_by_its_id_from_a_folder_and_down_the_pipeline()
    {
        await host.RenewAsync();
        string rules = await RulesAsync();
        var kept = (await host.RunAsync("$global:kept = Backup-NatIptablesState @nat; $kept")).Only<NatBackup>();
        var here = (await host.RunAsync($"Backup-NatIptablesState @nat -Destination '{_folder}'")).Only<NatBackup>();
        foreach (string command in new[]
        {
            $"{Restore} -Backup {kept.Id}",
            $"{Restore} -Backup '{_folder}'",
            $"{Restore} -Backup ([System.IO.DirectoryInfo] '{Path.GetDirectoryName(here.Path)}')",
            $"{Restore} -Backup '{here.Path}'",
            "$kept | Restore-NatIptablesState -Confirm:0",
        })
        {
            await host.OnNatAsync("iptables -t nat -F");
            Assert.Equal(ChangeOutcome.Done, (await host.RunAsync(command)).Only<RestoreResult>().Outcome);
            Assert.Equal(rules, await RulesAsync());
        }
    }

    [Fact]
    public async Task Rules_that_are_in_no_file_are_offered_from_the_newest_good_backup_by_a_repair()
    {
        await host.RenewAsync();
        var kept = (await host.RunAsync("Backup-NatIptablesState @nat")).Only<NatBackup>();
        await host.Lab.BreakAsync("9.5.3-2754.el6");
        await host.OnNatAsync("rm /etc/sysconfig/iptables");
        var refused = await host.RunUnchangedAsync("Repair-DsaNatHost @nat -Confirm:0");
        Assert.Equal("NothingToRestore", refused.ErrorId);
        Assert.Contains($"Restore-NatIptablesState -Backup {kept.Id}", refused.Errors[0].ToString(), StringComparison.Ordinal);

        await host.OnNatAsync("touch /etc/use_dsa_with_iptables");
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync($"{Restore} -Backup {kept.Id}")).Only<RestoreResult>().Outcome);
        Assert.True((await host.Lab.FetchAsync()).Answered);
        await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0");
        await host.RebootNatAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Fact]
    public async Task What_is_damaged_missing_or_hostile_is_not_restored()
    {
        await host.RenewAsync();
        Assert.Equal("NothingToRestore", (await host.RunUnchangedAsync(Restore)).ErrorId);
        Assert.Equal("NothingToRestore", (await host.RunUnchangedAsync($"{Restore} -Backup '{_folder}'")).ErrorId);
        var kept = (await host.RunAsync("Backup-NatIptablesState @nat")).Only<NatBackup>();
        await host.OnNatAsync("iptables -t nat -F");
        string file = $"{kept.Path}/iptables-nft.rules";
        await host.OnNatAsync($"cp -p {file} /root/good; echo '-A INPUT -j DROP' >>{file}");
        Assert.Equal("BackupDamaged", (await host.RunUnchangedAsync(Restore)).ErrorId);
        await host.OnNatAsync($"rm {file}; ln -s /root/good {file}");
        Assert.Equal("BackupDamaged", (await host.RunUnchangedAsync(Restore)).ErrorId);
        await host.OnNatAsync($"rm {file}; mv /root/good {file}; mv /var/lib/natdsa/backups /var/lib/elsewhere; ln -s /var/lib/elsewhere /var/lib/natdsa/backups");
        Assert.Equal("NothingToRestore", (await host.RunUnchangedAsync(Restore)).ErrorId);
        await host.OnNatAsync("rm /var/lib/natdsa/backups; mv /var/lib/elsewhere /var/lib/natdsa/backups; hostname other");
        Assert.Equal("BackupOfAnotherHost", (await host.RunUnchangedAsync(Restore)).ErrorId);
        await host.OnNatAsync("hostname nat01");
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync(Restore)).Only<RestoreResult>().Outcome);
    }

    [Fact]
    public async Task Rules_of_a_backup_that_lock_out_are_taken_back()
    {
        await host.RenewAsync();
        await host.OnNatAsync("iptables -I INPUT -j DROP; iptables -I INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT");
        (await host.Nat.PwshAsync("Backup-NatIptablesState")).EnsureSucceeded();
        await host.OnNatAsync("iptables -F INPUT");
        var before = await host.Nat.SnapshotAsync();
        host.Disconnect();
        var answer = await host.RunAsync("Restore-NatIptablesState @natPlain -RollbackSec 5 -Confirm:0");
        Assert.Equal("RolledBack", answer.ErrorId);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa");
    }

    // A table that was not there before is there afterwards, without a rule.
    private Task<string> RulesAsync() => host.OnNatAsync("for t in iptables-nft iptables-legacy ip6tables-nft; do $t-save | grep -e '^-A' -e DROP | sed 's/\\[.*\\]//'; done; cat /etc/sysconfig/iptables");
}
