using System.Globalization;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>The lab keeps its own promises, so that what is proved in it is proved.</summary>
public sealed class LabSelfTests
{
    private const string NoLab = "this machine can't raise labs: see Lab.WhyNot";
    private const string NatAddress = "203.0.113.1";

    public static TheoryData<LabFlavor, LabBackend> Hosts { get; } = new()
    {
        { LabFlavor.SysV, LabBackend.Nft },
        { LabFlavor.SysV, LabBackend.Legacy },
        { LabFlavor.Debian, LabBackend.Nft },
        { LabFlavor.Debian, LabBackend.Legacy },
        { LabFlavor.Systemd, LabBackend.Nft },
        { LabFlavor.Systemd, LabBackend.Legacy },
        { LabFlavor.Rhel7, LabBackend.Nft },
    };

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [MemberData(nameof(Hosts))]
    public async Task An_old_agent_without_the_marker_breaks_NAT_and_with_it_does_not(LabFlavor flavor, LabBackend backend)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor, backend), TestContext.Current.CancellationToken);
        await AssertAnsweredAsync(lab);
        Assert.All(await lab.ReadVisitorsAsync(), visitor => Assert.Equal(NatAddress, visitor));

        await lab.InstallAgentAsync();
        await AssertAnsweredAsync(lab);
        await lab.SetModuleAsync("firewall", on: true);

        Assert.False((await lab.FetchAsync()).Answered);
        var erased = await RulesAsync(lab);
        Assert.DoesNotContain("-A ", erased, StringComparison.Ordinal);
        Assert.DoesNotContain("DROP", erased, StringComparison.Ordinal);
        Assert.Contains("dsa_filter", (await lab.Nat.ExecAsync("lsmod")).Output, StringComparison.Ordinal);

        // The agent took the service out of the boot sequence as well.
        (await lab.Nat.ExecAsync("touch", "/etc/use_dsa_with_iptables")).EnsureSucceeded();
        await lab.RebootNatAsync();
        Assert.False((await lab.FetchAsync()).Answered);

        // The article's recovery.
        await StartIptablesAsync(lab);
        for (var restart = 0; restart < 3; restart++)
        {
            await lab.RestartAgentAsync();
            await AssertAnsweredAsync(lab);
        }

        await PutIptablesIntoBootAsync(lab);
        await lab.RebootNatAsync();
        await AssertAnsweredAsync(lab);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [MemberData(nameof(Hosts))]
    public async Task With_the_marker_first_nothing_is_ever_erased(LabFlavor flavor, LabBackend backend)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor, backend), TestContext.Current.CancellationToken);
        var rules = await RulesAsync(lab);
        (await lab.Nat.ExecAsync("touch", "/etc/use_dsa_with_iptables")).EnsureSucceeded();

        await lab.BreakAsync("10.1.0-500.el6");
        await lab.SetModuleAsync("ips", on: true);
        await lab.RestartAgentAsync();

        Assert.Equal(rules, await RulesAsync(lab));
        await AssertAnsweredAsync(lab);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabFlavor.SysV, "10.2.0-404.el6", false)]
    [InlineData(LabFlavor.Debian, "20.0.0-5137", true)]
    [InlineData(LabFlavor.Systemd, "12.5.0-1033", false)]
    public async Task A_newer_agent_opens_its_ports_while_it_runs_and_erases_nothing(LabFlavor flavor, string version, bool relay)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor), TestContext.Current.CancellationToken);
        var before = await RulesAsync(lab);
        await lab.InstallAgentAsync(version, relay);
        await lab.SetModuleAsync("firewall", on: true);

        var running = await RulesAsync(lab);
        Assert.Contains("-A INPUT -p tcp -m tcp --dport 4118 -j ACCEPT", running, StringComparison.Ordinal);
        Assert.Equal(relay, running.Contains("--dport 4122", StringComparison.Ordinal));
        await AssertAnsweredAsync(lab);

        await ControlAgentAsync(lab, "stop");
        Assert.Equal(before, await RulesAsync(lab));

        (await lab.Nat.ExecAsync("touch", "/etc/do_not_open_ports_on_iptables")).EnsureSucceeded();
        await ControlAgentAsync(lab, "start");
        Assert.Equal(before, await RulesAsync(lab));
        Assert.Equal("", (await lab.Nat.ShellAsync("ls /etc/init.d/ds_filter /usr/lib/systemd/system/ds_filter.service 2>/dev/null")).Output);

        static async Task ControlAgentAsync(Lab lab, string action) => (lab.Options.OnSystemd
            ? await lab.Nat.ExecAsync("systemctl", action, "ds_agent")
            : await lab.Nat.ExecAsync("/etc/init.d/ds_agent", action)).EnsureSucceeded();
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task The_agent_answers_as_its_version_and_package_say()
    {
        await using var sysv = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        await using var debian = await Lab.RaiseAsync(new LabOptions(LabFlavor.Debian), TestContext.Current.CancellationToken);
        await sysv.InstallAgentAsync("9.5.3-2754.el6");
        await debian.InstallAgentAsync("20.0.0-5137", activated: false);
        await sysv.SetModuleAsync("firewall", on: true);

        Assert.Equal(
            "9.5.3-2754.el6",
            (await sysv.Nat.ExecAsync("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", "ds_agent")).EnsureSucceeded().Output);
        Assert.Equal(
            "20.0.0.5137",
            (await debian.Nat.ExecAsync("dpkg-query", "-W", "-f", "${Version}", "ds-agent")).EnsureSucceeded().Output);
        Assert.Contains("AgentStatus.dsmUrl: https://", await QueryAsync(sysv, "GetAgentStatus"), StringComparison.Ordinal);
        Assert.Contains("AgentStatus.dsmUrl: \n", await QueryAsync(debian, "GetAgentStatus"), StringComparison.Ordinal);
        Assert.Contains("Component.FWDPI.firewallMode: on-prevent", await QueryAsync(sysv, "GetComponentInfo"), StringComparison.Ordinal);
        Assert.Contains("Component.FWDPI.mode: off", await QueryAsync(sysv, "GetComponentInfo"), StringComparison.Ordinal);
        Assert.Contains("Component.FWDPI.firewallMode: off", await QueryAsync(debian, "GetComponentInfo"), StringComparison.Ordinal);

        Assert.False((await sysv.Nat.SshAsync("/opt/ds_agent/dsa_query -c GetAgentStatus", "operator")).Succeeded);
        (await sysv.Nat.SshAsync("echo nat-lab | sudo -S /opt/ds_agent/dsa_query -c GetAgentStatus", "operator")).EnsureSucceeded();

        static async Task<string> QueryAsync(Lab lab, string query) =>
            (await lab.Nat.ExecAsync("/opt/ds_agent/dsa_query", "-c", query)).EnsureSucceeded().Output;
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task The_agent_misbehaves_as_told()
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        await lab.InstallAgentAsync();
        string[] query = ["/opt/ds_agent/dsa_query", "-c", "GetAgentStatus"];

        await lab.SetFaultAsync("dsa-query", "hang");
        var gone = await lab.Nat.ExecAsync(["timeout", "--kill-after=1", "1", .. query], input: null);
        Assert.Equal(137, gone.ExitCode);
        await lab.SetFaultAsync("dsa-query", "missing");
        Assert.Equal(127, (await lab.Nat.ExecAsync(query)).ExitCode);
        await lab.SetFaultAsync("dsa-query", "answer");
        (await lab.Nat.ExecAsync(query)).EnsureSucceeded();

        await lab.SetFaultAsync("restart", "fail");
        Assert.Equal(1, (await lab.Nat.ExecAsync("/etc/init.d/ds_agent", "restart")).ExitCode);
        Assert.Equal(3, (await lab.Nat.ExecAsync("/etc/init.d/ds_agent", "status")).ExitCode);
        await lab.SetFaultAsync("restart", "hang");
        gone = await lab.Nat.ExecAsync("timeout", "--kill-after=1", "1", "/etc/init.d/ds_agent", "restart");
        Assert.Equal(137, gone.ExitCode);
        await lab.SetFaultAsync("restart", "work");
        await lab.RestartAgentAsync();

        (await lab.Nat.ExecAsync("touch", "/etc/use_dsa_with_iptables")).EnsureSucceeded();
        await lab.SetFaultAsync("marker", "ignored");
        await lab.SetFaultAsync("erase-after", "1");
        await lab.SetModuleAsync("firewall", on: true);
        await AssertAnsweredAsync(lab);
        await lab.Nat.ShellAsync("while iptables-save | grep -q MASQUERADE; do sleep 0.1; done");
        Assert.False((await lab.FetchAsync()).Answered);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [MemberData(nameof(Hosts))]
    public async Task A_reboot_keeps_the_disk_and_nothing_else(LabFlavor flavor, LabBackend backend)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor, backend), TestContext.Current.CancellationToken);
        var rules = await RulesAsync(lab);
        using var killed = lab.Nat.Start("sh", "-c", "echo kept >/root/kept; echo kept >/etc/kept; : >/run/lost; iptables -t raw -A OUTPUT -j ACCEPT; echo done; trap '' TERM INT HUP; sleep 3600; echo >/etc/lost");
        Assert.Equal("done", await killed.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        using var ssh = LabCommand.Start(["ssh", "-F", lab.SshConfigPath, lab.Nat.Address, "echo in; sleep 3600"]);
        Assert.Equal("in", await ssh.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        await lab.RebootNatAsync();

        await killed.WaitForExitAsync(TestContext.Current.CancellationToken);
        // Nobody has told the other end.
        Assert.False(ssh.HasExited);
        LabCommand.Kill(ssh);
        Assert.Equal("kept\nkept\n", (await lab.Nat.ShellAsync("cat /root/kept /etc/kept")).EnsureSucceeded().Output);
        Assert.Equal("", (await lab.Nat.ShellAsync("ls /run/lost /etc/lost 2>/dev/null; pgrep -f '[s]leep 3600'")).Output);
        Assert.Equal(rules, await RulesAsync(lab));
        await AssertAnsweredAsync(lab);
        Assert.Equal("nat01\n", (await lab.Nat.SshAsync("uname -n")).EnsureSucceeded().Output);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabFlavor.SysV)]
    [InlineData(LabFlavor.Debian)]
    [InlineData(LabFlavor.Systemd)]
    [InlineData(LabFlavor.Rhel7)]
    public async Task A_renewed_host_starts_as_it_was_raised(LabFlavor flavor)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor), TestContext.Current.CancellationToken);
        await lab.RenewAsync();
        var rules = await RulesAsync(lab);
        await AssertAnsweredAsync(lab);

        await lab.BreakAsync();
        if (lab.Options.OnSystemd)
        {
            await lab.SetFaultAsync("restart", "hang");
            (await lab.Nat.ShellAsync("systemctl --no-block restart ds_agent && while [ $(systemctl is-active ds_agent) != activating ]; do sleep 0.1; done")).EnsureSucceeded();
        }

        (await lab.Nat.ShellAsync("rm -f /etc/sysconfig/iptables /etc/iptables/rules.v4; mkdir -p /var/lib/natdsa; echo 0 >/proc/sys/net/ipv4/ip_forward")).EnsureSucceeded();
        await lab.RenewAsync();

        Assert.Equal(rules, await RulesAsync(lab));
        Assert.Equal("", (await lab.Nat.ShellAsync("ls -d /opt/ds_agent /var/lib/natdsa /etc/init.d/ds_* /usr/lib/systemd/system/ds_* 2>/dev/null; pgrep ds_agent")).Output);
        await AssertAnsweredAsync(lab);
        await lab.RebootNatAsync();
        Assert.Equal(rules, await RulesAsync(lab));
        await AssertAnsweredAsync(lab);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData("IPTABLES_SAVE_ON_STOP", "stop")]
    [InlineData("IPTABLES_SAVE_ON_RESTART", "restart")]
    public async Task Saving_on_an_erased_host_destroys_the_persisted_rules(string setting, string action)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        await lab.BreakAsync();
        var good = await lab.Nat.ReadFileAsync("/etc/sysconfig/iptables");
        (await lab.Nat.ShellAsync($"sed -i 's/^{setting}=.*/{setting}=\"yes\"/' /etc/sysconfig/iptables-config")).EnsureSucceeded();

        (await lab.Nat.ExecAsync("service", "iptables", action)).EnsureSucceeded();

        Assert.DoesNotContain("MASQUERADE", await lab.Nat.ReadFileAsync("/etc/sysconfig/iptables"), StringComparison.Ordinal);
        Assert.Equal(good, await lab.Nat.ReadFileAsync("/etc/sysconfig/iptables.save"));
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabBackend.Nft)]
    [InlineData(LabBackend.Legacy)]
    public async Task The_init_script_speaks_as_that_of_RHEL_6(LabBackend backend)
    {
        var options = new LabOptions(LabFlavor.SysV, backend) { Locale = "ja_JP.UTF-8", Rules = "article" };
        await using var lab = await Lab.RaiseAsync(options, TestContext.Current.CancellationToken);

        var status = await lab.Nat.ExecAsync("/etc/rc.d/init.d/iptables", "status");
        Assert.Equal(0, status.ExitCode);
        Assert.StartsWith("テーブル: nat\nChain PREROUTING (policy ACCEPT)\nnum  target", status.Output, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", status.Output, StringComparison.Ordinal);
        Assert.Contains("\n1    LOG ", status.Output, StringComparison.Ordinal);
        Assert.Contains("\n2    MASQUERADE ", status.Output, StringComparison.Ordinal);
        var english = await lab.Nat.ExecAsync("env", "LANG=en_US.UTF-8", "service", "iptables", "status");
        Assert.StartsWith("Table: nat\n", english.Output, StringComparison.Ordinal);

        await lab.BreakAsync();
        var restart = await lab.Nat.ExecAsync("/etc/rc.d/init.d/iptables", "restart");
        Assert.Equal(
            [
                "iptables: ファイアウォールルールを消去中: [  OK  ]",
                "iptables: チェインをポリシー ACCEPT へ設定中nat [  OK  ]",
                "iptables: モジュールを取り外し中: [  OK  ]",
                "iptables: ファイアウォールルールを適用中: [  OK  ]",
            ],
            restart.Output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'));
        var agent = await lab.Nat.ExecAsync("/etc/init.d/ds_agent", "restart");
        Assert.Equal(
            "ds_agent を停止中: [  OK  ]\nUnloading dsa_filter module... [  OK  ]\nds_agent を起動中: [  OK  ]\n",
            agent.Output);

        Assert.Equal(2, (await lab.Nat.ExecAsync("service", "iptables", "dance")).ExitCode);
        (await lab.Nat.ExecAsync("rm", "/etc/sysconfig/iptables")).EnsureSucceeded();
        Assert.Equal(6, (await lab.Nat.ExecAsync("service", "iptables", "start")).ExitCode);
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task Status_of_a_filter_that_was_never_used_is_3()
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        (await lab.Nat.ShellAsync("nft flush ruleset && rm /var/lock/subsys/iptables")).EnsureSucceeded();

        var status = await lab.Nat.ExecAsync("service", "iptables", "status");

        Assert.Equal(3, status.ExitCode);
        Assert.Equal("iptables: Firewall is not running.\n", status.Output);
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task Hosts_answer_over_ssh_before_and_after_and_the_client_has_no_other_way_out()
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        Assert.Equal("nat01\n", (await lab.Nat.SshAsync("uname -n")).EnsureSucceeded().Output);
        Assert.Equal("client01\n", (await lab.Client.SshAsync("uname -n")).EnsureSucceeded().Output);
        Assert.Equal("www\n", (await lab.Internet.SshAsync("uname -n")).EnsureSucceeded().Output);

        await lab.BreakAsync();

        Assert.Equal("nat01\n", (await lab.Nat.SshAsync("uname -n")).EnsureSucceeded().Output);
        (await lab.Client.ExecAsync("ip", "route", "replace", "default", "via", "169.254.77.5")).EnsureSucceeded();
        Assert.False((await lab.FetchAsync()).Answered);

        // What arrives at the host is traffic that its rules see: a rule can lock everybody out.
        (await lab.Nat.ExecAsync("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "REJECT")).EnsureSucceeded();
        Assert.False((await lab.Nat.SshAsync("true")).Succeeded);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabFlavor.SysV)]
    [InlineData(LabFlavor.Rhel7)]
    public async Task A_snapshot_is_the_same_twice_and_shows_every_change(LabFlavor flavor)
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(flavor), TestContext.Current.CancellationToken);
        await lab.InstallAgentAsync();
        var before = await lab.Nat.SnapshotAsync();
        await lab.FetchAsync();
        await lab.Nat.SshAsync("iptables-save; service iptables status; /opt/ds_agent/dsa_query -c GetAgentStatus");
        Assert.Equal("", before.DifferenceTo(await lab.Nat.SnapshotAsync()));

        string[] changes =
        [
            "iptables -A OUTPUT -j ACCEPT",
            "iptables-legacy -A OUTPUT -j ACCEPT",
            "nft add table inet mine",
            "ip6tables -P OUTPUT DROP",
            "echo 0 > /proc/sys/net/ipv4/ip_forward",
            "touch /etc/use_dsa_with_iptables",
            "chmod 644 /etc/sysconfig/iptables",
            "chown operator /etc/sysconfig/iptables",
            "echo >> /etc/services",
            flavor is LabFlavor.SysV ? "rm /etc/rc.d/rc3.d/S08iptables" : "systemctl disable iptables",
            "mkdir /var/lib/natdsa",
            "ln -s nowhere /opt/link",
            "touch /tmp/left /root/left",
        ];
        foreach (var change in changes)
        {
            (await lab.Nat.ShellAsync(change)).EnsureSucceeded();
            var after = await lab.Nat.SnapshotAsync();
            Assert.True(before.DifferenceTo(after).Length > 0, $"not seen: {change}");
            before = after;
        }
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task Several_labs_at_once_do_not_meet()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var labs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Lab.RaiseAsync(new LabOptions(), cancellation)));
        try
        {
            await labs[0].BreakAsync();
            Assert.False((await labs[0].FetchAsync()).Answered);
            await AssertAnsweredAsync(labs[1]);
            await AssertAnsweredAsync(labs[2]);
            Assert.Equal(3, labs.Select(lab => lab.Nat.Address).Distinct().Count());
        }
        finally
        {
            foreach (var lab in labs)
                await lab.DisposeAsync();
        }
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task A_host_with_systemd_is_a_whole_one()
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(LabFlavor.Systemd), TestContext.Current.CancellationToken);
        await lab.InstallAgentAsync();
        Assert.Equal("systemd\n", (await lab.Nat.ExecAsync("cat", "/proc/1/comm")).Output);
        Assert.Equal("running\n", (await lab.Nat.ExecAsync("systemctl", "is-system-running")).Output);
        Assert.Equal("enabled\nenabled\nenabled\n", (await lab.Nat.ExecAsync("systemctl", "is-enabled", "netfilter-persistent", "ds_agent", "ds_filter")).Output);
        Assert.Contains("netfilter persistent", (await lab.Nat.ExecAsync("journalctl", "-b", "-u", "netfilter-persistent")).Output, StringComparison.Ordinal);
        Assert.Equal("root\n", (await lab.Nat.SshAsync("echo nat-lab | sudo -S id -un", "operator")).EnsureSucceeded().Output);

        // The machine's own kernel settings are out of its reach, those of its network are not.
        Assert.False((await lab.Nat.ShellAsync("echo 1 >/proc/sys/kernel/panic")).Succeeded);
        (await lab.Nat.ShellAsync("sysctl -w net.ipv4.ip_forward=0")).EnsureSucceeded();
        Assert.False((await lab.FetchAsync()).Answered);

        // A job of the host's own outlives the connection that began it, and ends with the power.
        (await lab.Nat.SshAsync("systemd-run --on-active=1 --timer-property=AccuracySec=100ms touch /root/late")).EnsureSucceeded();
        (await lab.Nat.ShellAsync("while [ ! -e /root/late ]; do sleep 0.1; done")).EnsureSucceeded();
        (await lab.Nat.SshAsync("systemd-run --on-active=3600 touch /root/never")).EnsureSucceeded();
        Assert.Contains("run-", (await lab.Nat.ExecAsync("systemctl", "list-timers")).Output, StringComparison.Ordinal);
        await lab.RebootNatAsync();
        Assert.DoesNotContain("run-", (await lab.Nat.ExecAsync("systemctl", "list-timers")).Output, StringComparison.Ordinal);
        Assert.Equal("active\n", (await lab.Nat.ExecAsync("systemctl", "is-active", "ds_agent")).Output);
        await AssertAnsweredAsync(lab);
    }

    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabFlavor.Debian)]
    [InlineData(LabFlavor.Systemd)]
    public async Task The_machine_is_as_before_once_the_lab_has_ended(LabFlavor flavor)
    {
        var before = Machine.Look();
        int id;
        string address;
        await using (var lab = await Lab.RaiseAsync(new LabOptions(flavor), TestContext.Current.CancellationToken))
        {
            (id, address) = (lab.Id, lab.Nat.Address);
            await lab.BreakAsync();
            _ = lab.Nat.Start("sleep", "infinity");
            (await lab.Nat.ShellAsync("setsid sleep 3600 >/dev/null 2>&1 &")).EnsureSucceeded();
            Assert.Equal(before, Machine.Look());
            Assert.NotEmpty(Machine.ProcessesOf(id));
            Assert.Equal(flavor is LabFlavor.Systemd, await Machine.HasControlGroupAsync(id));
        }

        Assert.Empty(Machine.ProcessesOf(id));
        Assert.Equal(before, Machine.Look());
        Assert.False(Machine.Listens(address));
        Assert.False(await Machine.HasControlGroupAsync(id));
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task A_killed_test_process_leaves_nothing()
    {
        var before = Machine.Look();

        // This very program, as another process, with one test that raises a lab and keeps it.
        var program = Environment.ProcessPath!;
        using var other = LabCommand.Start([program, "--filter-method", $"*{nameof(Hold_a_lab_until_killed)}", "--explicit", "only", "--show-live-output", "on"]);
        var id = 0;
        try
        {
            while (id == 0 && await other.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                var at = line.IndexOf("lab=", StringComparison.Ordinal);
                if (at >= 0)
                    id = int.Parse(line.AsSpan(at + 4), CultureInfo.InvariantCulture);
            }

            Assert.NotEqual(0, id);
            Assert.NotEmpty(Machine.ProcessesOf(id));
        }
        finally
        {
            other.Kill();
            await other.WaitForExitAsync(CancellationToken.None);
        }

        // Nobody waits for the holder now: it ends when the kernel has told it, which takes a moment.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (Machine.ProcessesOf(id).Count > 0)
            await Task.Delay(20, limit.Token);
        Assert.Equal(before, Machine.Look());
    }

    [Fact(Explicit = true)]
    public async Task Hold_a_lab_until_killed()
    {
        await using var lab = await Lab.RaiseAsync(new LabOptions(), TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper!.WriteLine($"lab={lab.Id}");

        // Or until the test that started this one has ended without the kill.
        await Console.In.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    private static async Task AssertAnsweredAsync(Lab lab)
    {
        var fetch = await lab.FetchAsync();
        Assert.True(fetch.Answered, fetch.Error);
        Assert.Equal(200, fetch.Status);
    }

    private static async Task<string> RulesAsync(Lab lab)
    {
        var saved = await lab.Nat.ShellAsync("(iptables-save; ip6tables-save) | sed '/^#/d; s/ \\[.*\\]//'");
        return saved.EnsureSucceeded().Output;
    }

    private static async Task StartIptablesAsync(Lab lab) => (await lab.Nat.ShellAsync(lab.Options.Flavor switch
    {
        LabFlavor.SysV => "service iptables restart",
        LabFlavor.Debian => "/etc/init.d/netfilter-persistent restart",
        LabFlavor.Systemd => "systemctl restart netfilter-persistent",
        _ => "systemctl restart iptables",
    })).EnsureSucceeded();

    private static async Task PutIptablesIntoBootAsync(Lab lab) => (await lab.Nat.ShellAsync(lab.Options.Flavor switch
    {
        LabFlavor.SysV => "chkconfig iptables on",
        LabFlavor.Debian => "update-rc.d netfilter-persistent enable",
        LabFlavor.Systemd => "systemctl enable netfilter-persistent",
        _ => "systemctl enable iptables",
    })).EnsureSucceeded();

    /// <summary>What a lab could leave on this machine.</summary>
    private static class Machine
    {
        /// <summary>Interfaces, mounts and routes that this process sees.</summary>
        public static string Look()
        {
            var interfaces = NetworkInterface.GetAllNetworkInterfaces().Select(one => one.Name).Order();
            return string.Join('\n', [.. interfaces, File.ReadAllText("/proc/self/mountinfo"), File.ReadAllText("/proc/self/net/route")]);
        }

        /// <summary>
        /// The processes in the lab's PID namespace, and its holder: those that have its id in their environment, or are in its control group.
        /// </summary>
        public static List<int> ProcessesOf(int id)
        {
            var mark = $"NATDSA_LAB={id}\0";
            List<int> found = [];
            foreach (var directory in Directory.EnumerateDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(directory), out var process))
                    continue;
                try
                {
                    if (process == id
                        || File.ReadAllText($"{directory}/cgroup").Contains($"/natdsa-lab-{id}/", StringComparison.Ordinal)
                        || File.ReadAllText($"{directory}/environ").Contains(mark, StringComparison.Ordinal))
                        found.Add(process);
                }
                catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
                {
                    // It ended while it was being looked at, or is not even root's to look at, as no lab's process is.
                }
            }

            return found;
        }

        /// <summary>Whether the kernel has the control group of that lab's host with systemd.</summary>
        public static async Task<bool> HasControlGroupAsync(int id)
        {
            var look = await LabCommand.RunAsync(
                ["unshare", "--mount", "sh", "-c", $"mount -t cgroup2 look /mnt && ls -d /mnt/natdsa-lab-{id} /mnt"],
                cancellationToken: TestContext.Current.CancellationToken);
            Assert.Contains("/mnt\n", look.Output, StringComparison.Ordinal);
            return look.Output.Contains($"natdsa-lab-{id}", StringComparison.Ordinal);
        }

        public static bool Listens(string address)
        {
            using var client = new TcpClient();
            try
            {
                client.Connect(address, 2222);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }
}
