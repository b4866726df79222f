using Xunit;

namespace NatDsa.LabTests;

/// <summary>
/// A NAT host whose rules are ufw's, with fail2ban on top, on Debian with systemd. Both are real. Other owners are in <see cref="OtherOwnerTests"/>.
/// </summary>
public sealed class OwnerTests(OwnerTests.UfwLab host) : IClassFixture<OwnerTests.UfwLab>
{
    private const string Repair = "Repair-DsaNatHost @natPlain -Confirm:0";

    [Fact]
    public async Task Ufw_brings_the_NAT_back_and_fail2ban_puts_its_chains_on_top()
    {
        await EnableAsync(host);
        await host.Lab.BreakAsync();
        Assert.False((await host.Lab.FetchAsync()).Answered);

        var repair = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, RuleConfirmation.NewConnection), (repair.Outcome, repair.Confirmation));
        Assert.Equal(["Backup", "CreateMarker", "ReloadUfw", "ReloadFail2ban", "RestartAgent"], repair.Steps.Select(s => s.Name));
        Assert.True((await host.Lab.FetchAsync()).Answered);
        var input = await host.OnNatAsync("iptables -S INPUT");
        Assert.InRange(input.IndexOf("f2b-sshd", StringComparison.Ordinal), 0, input.IndexOf("ufw-before-input", StringComparison.Ordinal));
        Assert.Contains("198.51.100.7", await host.OnNatAsync("iptables -S f2b-sshd"), StringComparison.Ordinal);
        Assert.True(repair.AfterReboot!.Ready, repair.AfterReboot.Reason);

        Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunAsync(Repair)).Only<RepairResult>().Outcome);
        await host.RebootNatAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Fact]
    public async Task An_owner_whose_rules_lock_out_is_taken_back()
    {
        await EnableAsync(host);
        await host.OnNatAsync("ufw delete allow 22/tcp");
        await host.Lab.BreakAsync();
        var before = await host.Nat.SnapshotAsync();

        var answer = await host.RunAsync($"{Repair} -RollbackSec 30");
        Assert.Equal("RolledBack", answer.ErrorId);
        Assert.Equal(ChangeStepStatus.Undone, answer.Despite<RepairResult>().Steps.Single(s => s.Name == "ReloadUfw").Status);
        await AssertAsBeforeAsync(host, before);
    }

    [Fact]
    public async Task An_owner_that_fails_is_named_and_the_host_is_as_before()
    {
        await EnableAsync(host);
        await host.OnNatAsync("sed -i 's/MASQUERADE/MASQUERADE --no-such-option/' /etc/ufw/before.rules");
        await host.Lab.BreakAsync();
        var before = await host.Nat.SnapshotAsync();

        var answer = await host.RunAsync(Repair);
        Assert.Equal("RepairFailed", answer.ErrorId);
        Assert.Contains("'ufw reload'", answer.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.Equal(ChangeOutcome.Undone, answer.Despite<RepairResult>().Outcome);
        await AssertAsBeforeAsync(host, before);
    }

    /// <summary>Proves that a host is as it was; an owner's chains may be left, without rules.</summary>
    internal static async Task AssertAsBeforeAsync(SharedLab host, LabSnapshot before, params string[] except) =>
        Assert.Equal("", LabSnapshot.WithoutEmptyChains(before.DifferenceTo(await host.Nat.SnapshotAsync(), ["/var/lib/natdsa", "/var/log", .. except])));

    // As its administrator has set it up: ufw does the NAT, and somebody is banned.
    internal static Task<string> EnableAsync(SharedLab host) => host.OnNatAsync($"""
        if [ -e /opt/ds_agent/lib/stand-in.sh ]; then sh {LabPaths.Root}/tests/Lab/agent/remove.sh; fi
        rm -rf /etc/use_dsa_with_iptables /var/lib/natdsa
        sed -i 's/^DEFAULT_FORWARD_POLICY=.*/DEFAULT_FORWARD_POLICY=ACCEPT/' /etc/default/ufw
        printf '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.1.0/24 -o eth0 -j MASQUERADE\nCOMMIT\n' | cat - /usr/share/ufw/iptables/before.rules >/etc/ufw/before.rules
        ufw --force disable
        nft flush ruleset
        ufw allow 22/tcp
        ufw --force enable
        : >/var/log/lab-auth.log
        printf '[DEFAULT]\nbanaction = iptables-multiport\n[sshd]\nenabled = true\nbackend = polling\nlogpath = /var/log/lab-auth.log\n' >/etc/fail2ban/jail.d/defaults-debian.conf
        systemctl restart fail2ban
        until fail2ban-client set sshd banip 198.51.100.7; do sleep 0.2; done
        """);

    /// <summary>The lab.</summary>
    public sealed class UfwLab() : SharedLab(new LabOptions(LabFlavor.Systemd) { With = ["fail2ban", "ufw"] });
}
