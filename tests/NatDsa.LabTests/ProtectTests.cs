using System.Runtime.Versioning;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>A host that was protected keeps its NAT when an agent comes, and through a reboot.</summary>
[UnsupportedOSPlatform("windows")]
public abstract class ProtectTests(SharedLab host)
{
    /// <summary>A host without an agent is protected, then the agent comes, with a module on, and then the host loses its power.</summary>
    protected async Task AgentComesAsync(string target, string version)
    {
        await host.OnNatAsync("iptables -A FORWARD -s 192.0.2.0/24 -j DROP");
        string rules = await RulesAsync();
        var first = await host.RunAsync($"Protect-DsaNatHost {target}");
        Assert.Equal("NotProtected", first.ErrorId);
        Assert.Equal(["Backup", "CreateMarker"], first.Despite<ProtectionResult>().Steps.Select(s => s.Name));

        var saved = (await host.RunAsync($"Protect-DsaNatHost {target} -SaveRules")).Only<ProtectionResult>();
        Assert.Equal(
            (ChangeOutcome.Done, true, true),
            (saved.Outcome, saved.AfterReboot?.Ready, saved.KeptBackup?.OnHost));
        Assert.Contains("4118", Assert.Single(saved.RisksLeft), StringComparison.Ordinal);
        Assert.Equal(["CheckRules", "Backup", "SaveRules"], saved.Steps.Select(s => s.Name));
        Assert.Equal(rules, await RulesAsync());
        Assert.True((await host.RunAsync($"Compare-NatIptablesState {target} -Persisted -Quiet")).Only<bool>());
        Assert.Equal("644 root root 0\n644 root root 0\n", await host.OnNatAsync("stat -c '%a %U %G %s' /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables"));

        var before = await host.Nat.SnapshotAsync();
        var again = (await host.RunAsync($"Protect-DsaNatHost {target} -SaveRules")).Only<ProtectionResult>();
        await host.AssertUnchangedSinceAsync(before, again.Reason, "/var/lib/natdsa/backups");
        Assert.Equal(
            (ChangeOutcome.NothingToDo, saved.KeptBackup?.Id, false),
            (again.Outcome, again.KeptBackup?.Id, again.KeptBackup?.Added));

        await host.Lab.BreakAsync(version);
        Assert.True((await host.Lab.FetchAsync()).Answered);
        await host.RebootNatAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(rules, await RulesAsync());
    }

    private Task<string> RulesAsync() => host.OnNatAsync("for t in iptables ip6tables; do $t-save | grep '^-A'; done");
}

/// <summary>On the init scripts of RHEL 6.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SysVProtectTests(SharedLab host) : ProtectTests(host), IClassFixture<SharedLab>
{
    private readonly SharedLab _host = host;

    [Theory]
    [InlineData("@nat", "9.5.3-2754.el6")]
    [InlineData("@natPlain", "10.2.0-404.el7")]
    [InlineData("@natSsh", "10.1.0-203.el6")]
    public async Task The_agent_comes_and_the_NAT_stays(string target, string version)
    {
        await _host.RenewAsync();
        await AgentComesAsync(target, version);
    }

    /// <summary>The lab's kernel has no SELinux: what the tools of a host that has it are asked for is written down.</summary>
    [Theory]
    [InlineData("true", "/etc/do_not_open_ports_on_iptables /etc/sysconfig/iptables /etc/use_dsa_with_iptables")]
    [InlineData("false", "")]
    public async Task Where_SELinux_is_on_every_file_gets_the_context_of_its_place(string isEnabled, string files)
    {
        await _host.RenewAsync();
        await _host.OnNatAsync($"""
            ln -s /bin/{isEnabled} /usr/local/bin/selinuxenabled
            printf '#!/bin/sh\necho "$@" >>/run/restorecon\n' >/usr/local/bin/restorecon
            chmod 0755 /usr/local/bin/restorecon
            : >/run/restorecon
            iptables -A FORWARD -s 192.0.2.0/24 -j DROP
            """);
        try
        {
            Assert.Equal(ChangeOutcome.Done, (await _host.RunAsync("Protect-DsaNatHost @natPlain -SaveRules")).Only<ProtectionResult>().Outcome);
            Assert.Equal(files, (await _host.OnNatAsync("sort /run/restorecon | tr '\\n' ' '")).TrimEnd());
        }
        finally
        {
            await _host.OnNatAsync("rm -f /usr/local/bin/selinuxenabled /usr/local/bin/restorecon /run/restorecon");
        }
    }
}

/// <summary>On Debian with systemd.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SystemdProtectTests(SharedSystemdLab host) : ProtectTests(host), IClassFixture<SharedSystemdLab>
{
    [Fact]
    public Task The_agent_comes_and_the_NAT_stays() => AgentComesAsync("@natPlain", "9.5.3-2754.el6");
}
