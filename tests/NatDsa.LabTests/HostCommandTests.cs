using Xunit;

namespace NatDsa.LabTests;

/// <summary>A user whom sudo lets run natdsa-host and nothing else.</summary>
public sealed class HostCommandTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Program = "/usr/local/sbin/natdsa-host";
    private const string Read = $"operator ALL=(root) NOPASSWD: {Program} read";
    private const string Change = $"operator ALL=(root) NOPASSWD: {Program} change";

    [Theory]
    [InlineData("@operatorPlain -Sudo", "NOPASSWD: ")]
    [InlineData("@operatorPlain -SudoPassword $password", "NOPASSWD: ")]
    [InlineData("@operatorPlain -SudoPassword $password", "")]
    [InlineData("@operator -Sudo", "NOPASSWD: ")]
    [InlineData("@operator -SudoPassword $password", "")]
    public async Task With_the_two_lines_everything_works_and_nothing_else_does(string target, string tag)
    {
        await host.BreakAsync();
        await InstallAsync(string.Join('\n', Read, Change).Replace("NOPASSWD: ", tag, StringComparison.Ordinal));

        Assert.Equal(NatStatus.Erased, (await host.RunUnchangedAsync($"Get-NatIptablesState {target}")).Only<NatIptablesState>().Status);
        Assert.Equal(DsaRisk.ErasesOnNextStart, (await host.RunUnchangedAsync($"Get-DsaAgentState {target}")).Only<DsaAgentState>().Risk);
        Assert.False((await host.RunUnchangedAsync($"Test-DsaMarkerFile {target} -Quiet")).Only<bool>());
        Assert.NotEmpty((await host.RunUnchangedAsync($"Compare-NatIptablesState {target} -Persisted")).Output);
        Assert.Equal("root", (await host.RunAsync(
            $"Set-DsaMarkerFile -PassThru {target}")).Only<DsaMarkerFile>().Owner);
        (await host.RunAsync($"Remove-DsaMarkerFile -PassThru {target} -Confirm:0")).Only<DsaMarkerFile>();
        var repair = (await host.RunAsync($"Repair-DsaNatHost {target} -Confirm:0")).Only<RepairResult>();
        Assert.Equal(ChangeOutcome.Done, repair.Outcome);
        Assert.True((await host.Lab.FetchAsync()).Answered);

        var backup = (await host.RunAsync($"Backup-NatIptablesState {target}")).Only<NatBackup>();
        await host.OnNatAsync("iptables -t nat -F");
        var restore = (await host.RunAsync($"Restore-NatIptablesState {target} -Confirm:0")).Only<RestoreResult>();
        Assert.Equal((ChangeOutcome.Done, backup.Id), (restore.Outcome, restore.KeptBackup?.Id));
        Assert.True((await host.Lab.FetchAsync()).Answered);
        await host.OnNatAsync("iptables -A INPUT -s 192.0.2.0/24 -j DROP; rm /etc/use_dsa_with_iptables");
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync($"Protect-DsaNatHost {target} -SaveRules -Confirm:0")).Only<ProtectionResult>().Outcome);
        Assert.Contains("192.0.2.0", await host.Nat.ReadFileAsync("/etc/sysconfig/iptables"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sudo_refuses_everything_else()
    {
        await host.RenewAsync();
        await InstallAsync(Read, Change);
        foreach (string command in (string[])["sh", "iptables -F", $"{Program}", $"{Program} write", $"{Program} read clean", $"{Program} change -c id", "cat /etc/shadow", $"-u operator {Program} read"])
        {
            var run = await host.Nat.SshAsync("sudo -n " + command + " </dev/null", "operator");
            Assert.False(run.Succeeded, command);
            Assert.Matches("a password is required|is not allowed to execute", run.Error);
        }
    }

    [Fact]
    public async Task Who_may_only_read_changes_nothing()
    {
        await host.BreakAsync();
        await InstallAsync(Read);
        Assert.Equal(NatStatus.Erased, (await host.RunAsync("Get-NatIptablesState @operatorPlain -Sudo")).Only<NatIptablesState>().Status);
        foreach (string command in (string[])["Repair-DsaNatHost", "Set-DsaMarkerFile", "Remove-DsaMarkerFile", "Backup-NatIptablesState -Force"])
            Assert.Equal("SudoFailed", (await host.RunUnchangedAsync($"{command} @operatorPlain -Sudo -Confirm:0")).ErrorId);
    }

    [Fact]
    public async Task Another_version_runs_nothing()
    {
        await host.BreakAsync();
        await InstallAsync(Read, Change);
        await host.OnNatAsync($"sed -i 's/^read_host() {{/&\\n    :/' {Program}");
        var answer = await host.RunUnchangedAsync("Repair-DsaNatHost @operatorPlain -Sudo -Confirm:0");
        Assert.Equal("HostCommandOutdated", answer.ErrorId);
        Assert.Contains("Export-DsaHostCommand", answer.Errors[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_does_not_do_is_said_and_nothing_is_done()
    {
        await host.RenewAsync();
        await InstallAsync(Read, Change);
        await host.OnNatAsync("echo '# good' >/etc/nftables.conf");
        await host.RunAsync("Backup-NatIptablesState @operatorPlain -Sudo");
        await host.OnNatAsync("echo '# newer' >/etc/nftables.conf; iptables -t nat -F");
        var answer = await host.RunUnchangedAsync("Restore-NatIptablesState @operatorPlain -Sudo -Confirm:0");
        Assert.Equal("HostCommandRefused", answer.ErrorId);
        Assert.Contains("PATH_1=/etc/nftables.conf", answer.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync("Restore-NatIptablesState @operatorPlain -Sudo -SkipPersisted -Confirm:0")).Only<RestoreResult>().Outcome);
    }

    [Fact]
    public async Task Input_of_the_users_own_making_is_refused()
    {
        await host.RenewAsync();
        await InstallAsync(Read, Change);
        await host.Nat.WriteFileAsync("/home/operator/ask", """
            # ask FILES VALUE...: the program's own script, with values of the user's.
            files=$1 && shift
            {
                printf '%s\n' NONCE=0 LIMIT=5 "$@"
                for file in $files; do sed -n "/^#---- $file\$/,/^#---- /{/^#---- /d;p;}" /usr/local/sbin/natdsa-host; done
            } | sudo -n /usr/local/sbin/natdsa-host change
            """);
        const string marker = "sh ask 'frame.sh files.sh read.sh marker.sh' SECTIONS=marker ACTION=set MARKER=";
        const string change = "sh ask 'frame.sh files.sh read.sh journal.sh steps.sh transaction.sh' STEPS=backup ";
        Assert.Contains("marker=/etc/use_dsa_with_iptables", (await host.Nat.SshAsync(marker + "/etc/use_dsa_with_iptables", "operator")).EnsureSucceeded().Output, StringComparison.Ordinal);

        var before = await host.Nat.SnapshotAsync();
        foreach (string command in (string[])[marker + "/etc/cron.d/x", marker + "/etc/use_dsa_with_iptables/../x", change + "ID=../../../etc", change + "START=sshd", change + "PATH_1=/etc/cron.d/x", change + "'RELOAD_UFW=sh -c id'", change + "'ID=$(id)'"])
        {
            var run = await host.Nat.SshAsync(command, "operator");
            Assert.Equal((77, ""), (run.ExitCode, run.Output));
            Assert.StartsWith("natdsa-host: ", run.Error, StringComparison.Ordinal);
        }

        await host.AssertUnchangedSinceAsync(before, "");
    }

    [Fact]
    public async Task The_request_behind_the_NAT_needs_no_root()
    {
        await host.RenewAsync();
        await InstallAsync(Read);
        var egress = (await host.RunAsync("Test-NatEgress @operatorPlain -Sudo -Uri http://www.example.com/page")).Only<NatEgressResult>();
        Assert.True(egress.Succeeded);
    }

    private async Task InstallAsync(params string[] sudoers)
    {
        var file = Path.GetTempFileName();
        (await host.RunAsync($"Export-DsaHostCommand '{file}'")).Only<FileInfo>();
        await host.Nat.WriteFileAsync(Program, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        File.Delete(file);
        await host.OnNatAsync($"chmod 0755 {Program}");
        await host.Nat.WriteFileAsync("/etc/sudoers.d/operator", string.Join('\n', sudoers) + "\n");
    }
}
