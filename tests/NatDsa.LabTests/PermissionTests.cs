using Xunit;

namespace NatDsa.LabTests;

/// <summary>What a user who is not root is told, and what sudo makes of that user.</summary>
public sealed class PermissionTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Asks = "operator ALL=(ALL) ALL";
    private const string NeverAsks = "operator ALL=(ALL) NOPASSWD: ALL";

    [Fact]
    public async Task Who_is_not_root_is_told_so_and_changes_nothing()
    {
        await host.BreakAsync();

        var state = await host.RunUnchangedAsync("Get-NatIptablesState @operator");
        Assert.Equal((NatStatus.Unknown, "PermissionDenied"), (state.Despite<NatIptablesState>().Status, state.ErrorId));
        var agent = (await host.RunAsync("Get-DsaAgentState @operator")).Only<DsaAgentState>();
        Assert.Equal((DsaRisk.Unknown, true, new Version(9, 5, 3, 2754)), (agent.Risk, agent.Installed, agent.Release));
        Assert.Contains("root", agent.Reason, StringComparison.Ordinal);
        Assert.False((await host.RunAsync("Test-DsaMarkerFile @operator -Quiet")).Only<bool>());

        Assert.Equal("PermissionDenied", (await host.RunUnchangedAsync("Set-DsaMarkerFile @operator")).ErrorId);
        Assert.Equal("PermissionDenied", (await host.RunUnchangedAsync("Repair-DsaNatHost @operator -Confirm:0")).ErrorId);
        await host.OnNatAsync("touch /etc/use_dsa_with_iptables");
        Assert.Equal("PermissionDenied", (await host.RunUnchangedAsync("Remove-DsaMarkerFile @operator -Confirm:0")).ErrorId);
    }

    [Theory]
    [InlineData(NeverAsks, "-Sudo")]
    [InlineData(Asks, "-Sudo -SudoPassword $password")]
    [InlineData(NeverAsks, "-Sudo -SudoPassword $password")]
    public async Task With_sudo_everything_works(string sudoers, string sudo)
    {
        await host.BreakAsync();
        await LetSudoAsync(sudoers);

        Assert.Equal(NatStatus.Erased, (await host.RunAsync($"Get-NatIptablesState @operator {sudo}")).Only<NatIptablesState>().Status);
        Assert.Equal(DsaRisk.ErasesOnNextStart, (await host.RunAsync($"Get-DsaAgentState @operator {sudo}")).Only<DsaAgentState>().Risk);
        Assert.Equal("root", (await host.RunAsync(
            $"Set-DsaMarkerFile -PassThru @operator {sudo}")).Only<DsaMarkerFile>().Owner);
        (await host.RunAsync($"Remove-DsaMarkerFile -PassThru @operator {sudo} -Confirm:0")).Only<DsaMarkerFile>();
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync($"Repair-DsaNatHost @operator {sudo} -Confirm:0")).Only<RepairResult>().Outcome);
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Fact]
    public async Task The_host_behind_the_NAT_is_not_given_the_sudo_password()
    {
        await host.BreakAsync();
        await LetSudoAsync(Asks);
        (await host.Lab.Client.ShellAsync("mv /usr/bin/sudo /usr/bin/sudo.off")).EnsureSucceeded();
        try
        {
            var repair = (await host.RunAsync(
                "Repair-DsaNatHost @operator -Sudo -SudoPassword $password -VerifyFrom $client.Session -VerifyUri http://www.example.com/page -Confirm:0 # @client ")).Only<RepairResult>();
            Assert.Equal((ChangeOutcome.Done, true), (repair.Outcome, repair.Egress?.Succeeded));
        }
        finally
        {
            (await host.Lab.Client.ShellAsync("mv /usr/bin/sudo.off /usr/bin/sudo")).EnsureSucceeded();
        }
    }

    [Theory]
    [InlineData("-Sudo")]
    [InlineData("-Sudo -SudoPassword ([Net.NetworkCredential]::new('', 'wrong').SecurePassword)")]
    public async Task Sudo_that_refuses_is_an_error_and_changes_nothing(string sudo)
    {
        await host.BreakAsync();
        await LetSudoAsync(Asks);
        Assert.Equal("SudoFailed", (await host.RunUnchangedAsync($"Get-NatIptablesState @operator {sudo}")).ErrorId);
        Assert.Equal("SudoFailed", (await host.RunUnchangedAsync($"Repair-DsaNatHost @operator {sudo} -Confirm:0")).ErrorId);
    }

    [Fact]
    public async Task A_wrong_password_is_tried_once()
    {
        // An account is locked after a few failures: the script's own lines must never be tried as passwords.
        await host.RenewAsync();
        await LetSudoAsync(Asks + "\nDefaults logfile=/var/log/lab-sudo.log");
        await host.RunAsync("Get-NatIptablesState @operator -SudoPassword ([Net.NetworkCredential]::new('', 'wrong').SecurePassword)");
        Assert.Contains(": 1 incorrect password attempt", await host.OnNatAsync("cat /var/log/lab-sudo.log"), StringComparison.Ordinal);
        Assert.DoesNotContain(": 3 incorrect password attempts", await host.OnNatAsync("cat /var/log/lab-sudo.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Time_is_up_for_a_script_that_root_runs_as_well()
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync();
        await host.Lab.SetFaultAsync("dsa-query", "hang");
        await LetSudoAsync(NeverAsks);

        Assert.Equal("TimedOut", (await host.RunAsync("Get-DsaAgentState @operator -Sudo -TimeoutSec 3")).ErrorId);
        var local = await host.Nat.ExecAsync(
            "setpriv", "--reuid=4242", "--regid=4242", "--clear-groups", "env", "HOME=/home/operator",
            LabPwsh.OnHost, "-NoProfile", "-Command",
            "$null = Get-DsaAgentState -Sudo -TimeoutSec 3 -ErrorAction SilentlyContinue; $Error[0].FullyQualifiedErrorId");
        Assert.StartsWith("TimedOut,", local.EnsureSucceeded().Output, StringComparison.Ordinal);
    }

    private Task LetSudoAsync(string sudoers) => host.Nat.WriteFileAsync("/etc/sudoers.d/operator", sudoers + "\n");
}
