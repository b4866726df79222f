using System.Text;
using NatDsa.Change;
using NatDsa.Repair;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Repair;

public sealed class RepairPlanTests
{
    private const string Nat = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    private const string SysV = "systemd=no\nscript.iptables=/etc/rc.d/init.d/iptables\n";
    private const string Marker = "stat=regular empty file|0|0|644|0|1700000000|root|root\n";

    [Fact]
    public void A_healthy_protected_host_is_left_alone() =>
        Assert.Empty(Plan(new() { Running = Nat, Marker = Marker }).Steps);

    [Fact]
    public void Rules_that_a_host_does_not_need_are_said_to_be_unused()
    {
        RepairPlan plan = Plan(new() { Running = Nat, Marker = Marker }, new RepairOptions(Nat, "good.txt", false));
        Assert.EndsWith(
            "good.txt was not loaded: all source NAT that it has is in place already. -Force loads it all the same.",
            ChangeEnd.WithoutSteps(plan).Verdict.Reason,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "-s 10.9.0.0/16 -o eth1 -j MASQUERADE", true)]
    [InlineData(false, "-s 10.9.0.0/16 -o eth0 -j MASQUERADE", false)]
    [InlineData(true, "-s 10.9.0.0/16 -o eth0 -j MASQUERADE", true)]
    public void Given_rules_are_loaded_where_their_NAT_does_not_run_or_by_force(bool force, string rule, bool loaded)
    {
        string rules = $"*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING {rule}\nCOMMIT\n";
        RepairPlan plan = Plan(
            new() { Running = Nat, Marker = Marker },
            new RepairOptions(rules, "good.rules", Force: force));
        Assert.Equal(
            loaded ? ["CheckRules", "Backup", "LoadRules", "InstallRules"] : [],
            plan.Steps.Select(s => s.Name));
    }

    [Fact]
    public void Given_rules_that_no_service_would_load_again_are_refused_in_plain_words_or_loaded_by_force()
    {
        Host host = new() { Service = "systemd=no\n" };
        Fault? refusal = Plan(host, new RepairOptions(Nat, "good.rules")).Refusal;
        Assert.Equal(ErrorIds.NothingToRestore, refusal?.ErrorId);
        Assert.Contains("good.rules was not loaded", refusal?.Message, StringComparison.Ordinal);
        RepairPlan plan = Plan(host, new RepairOptions(Nat, "good.rules", Force: true));
        Assert.Contains("LoadRules", plan.Steps.Select(s => s.Name));
        Assert.Empty(plan.ToTransaction().Installs);
    }

    [Fact]
    public void An_erased_host_is_repaired_in_the_articles_order() =>
        Assert.Equal(
            ["CheckRules", "Backup", "CreateMarker", "LoadRules", "EnableAtBoot", "RestartAgent"],
            Names(new() { Boot = false }));

    [Theory]
    [InlineData("started.iptables=no\n", "iptables")]
    [InlineData("started.iptables=yes\n", "")]
    [InlineData("", "")]
    public void A_service_that_counts_as_stopped_is_started_once_the_rules_are_loaded(string started, string start)
    {
        RepairPlan plan = Plan(new() { Service = SysV + started });
        Assert.Equal(start.Length > 0, plan.Steps.Any(s => s.Name == "StartService"));
        Assert.Equal(start, Values(plan)["START"]);
        if (start.Length > 0)
            Assert.Equal(("service iptables start", "service iptables stop"), plan.Steps.Where(s => s.Name == "StartService").Select(s => (s.Command, s.Undo!)).Single());
    }

    [Fact]
    public void NetfilterPersistents_init_script_keeps_no_account_of_whether_it_was_started() =>
        Assert.DoesNotContain("StartService", Names(new()
        {
            Service = "systemd=no\nscript.netfilter-persistent=/etc/init.d/netfilter-persistent\nboot.netfilter-persistent=yes\nstarted.netfilter-persistent=no\n",
            RulesFile = "/etc/iptables/rules.v4",
        }));

    [Fact]
    public void A_healthy_host_without_the_marker_gets_just_the_marker() =>
        Assert.Equal(["Backup", "CreateMarker"], Names(new() { Running = Nat }));

    [Fact]
    public void An_agent_that_does_not_erase_needs_no_marker()
    {
        RepairPlan plan = Plan(new() { Agent = "10.2.0-404.el7" });
        // Nor a restart: it would gain nothing.
        Assert.Equal(["CheckRules", "Backup", "LoadRules"], plan.Steps.Select(s => s.Name));
        Assert.Equal("", Values(plan)["MARKERS"]);
    }

    [Fact]
    public void A_filter_that_was_loaded_with_the_marker_in_place_is_not_loaded_again() =>
        Assert.Equal(["CheckRules", "Backup", "LoadRules"], Names(new() { Marker = Marker }));

    [Theory]
    [InlineData("9.5.3-2754.el6", "running=no\nstarting=no\nboot=yes\n", "CreateMarker StartAgent")]
    [InlineData("20.0.0-5137.el7", "running=no\nstarting=no\nboot=yes\n", "StartAgent")]
    [InlineData("9.5.3-2754.el6", "running=no\nstarting=no\nboot=no\n", "CreateMarker")]
    [InlineData("9.5.3-2754.el6", "running=no\nstarting=no\n", "CreateMarker")]
    // Who starts it already does not need help.
    [InlineData("9.5.3-2754.el6", "running=no\nstarting=yes\nboot=yes\n", "CreateMarker")]
    public void An_agent_that_starts_at_boot_and_does_not_run_is_started_once_NAT_is_safe(
        string version, string agent, string steps)
    {
        Assert.Equal(["CheckRules", "Backup", "LoadRules"], Rest(new() { Agent = version, AgentFiles = agent }));
        Assert.Equal(["Backup"], Rest(new() { Agent = version, AgentFiles = agent, Running = Nat }).Take(1));
        Assert.DoesNotContain(
            "StartAgent",
            Plan(new() { Agent = version, AgentFiles = agent }, new RepairOptions(SkipAgentRestart: true)).Steps
                .Select(s => s.Name));

        IEnumerable<string> Rest(Host host)
        {
            string[] names = [.. Names(host)];
            Assert.Equal(
                steps.Split(' '),
                names.Where(name => name is "CreateMarker" or "StartAgent" or "RestartAgent"));
            return names.Except(steps.Split(' '));
        }
    }

    [Fact]
    public void An_agent_that_is_still_starting_is_told_of_although_there_is_nothing_to_do()
    {
        RepairPlan plan = Plan(
            new() { Running = Nat, Marker = Marker, AgentFiles = "running=no\nstarting=yes\nboot=yes\n" });
        ChangeVerdict verdict = ChangeEnd.WithoutSteps(plan).Verdict;
        Assert.Equal((ChangeOutcome.Incomplete, ErrorIds.AgentRestartFailed), (verdict.Outcome, verdict.ErrorId));
        Assert.Contains("still starting", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "no", null)]
    [InlineData(true, "yes", "/etc/init.d/ds_agent start")]
    public void An_agent_that_does_not_come_up_undoes_a_repair_only_on_request(bool asked, string value, string? undo)
    {
        RepairPlan plan = Plan(new(), new RepairOptions(UndoOnAgentFailure: asked));
        Assert.Equal(value, Values(plan)["UNDO_AGENT"]);
        Assert.Equal(undo, plan.Steps.Single(s => s.Name == "RestartAgent").Undo);
    }

    [Fact]
    public void A_marker_that_is_there_must_still_be_there_after_the_agents_restart() =>
        Assert.Equal("/etc/use_dsa_with_iptables", Values(Plan(new() { Marker = Marker }))["MARKERS"]);

    [Fact]
    public void A_host_without_the_agent_gets_its_rules_back_and_nothing_else() =>
        Assert.Equal(["CheckRules", "Backup", "LoadRules"], Names(new() { Agent = null }));

    [Fact]
    public void The_agent_is_left_alone_on_request() =>
        Assert.DoesNotContain("RestartAgent", Plan(new(), new RepairOptions(SkipAgentRestart: true)).Steps.Select(s => s.Name));

    [Fact]
    public void Given_rules_are_persisted_once_they_are_loaded()
    {
        RepairPlan plan = Plan(new() { Persisted = null }, new RepairOptions(Nat, "good.rules"));
        Assert.Equal(["CheckRules", "Backup", "CreateMarker", "LoadRules", "InstallRules", "RestartAgent"], plan.Steps.Select(s => s.Name));
        Transaction transaction = plan.ToTransaction();
        Assert.Equal((Nat, "/etc/sysconfig/iptables", Nat), (Text(transaction.Loads[0].Rules), transaction.Installs[0].File, Text(transaction.Installs[0].Content)));
    }

    [Fact]
    public void Given_rules_are_not_installed_on_a_host_that_works() =>
        Assert.Empty(Plan(new() { Running = Nat, Marker = Marker }, new RepairOptions(Nat, "good.rules")).Steps);

    [Fact]
    public void NetfilterPersistent_is_started_where_it_is_what_loads_the_rules()
    {
        RepairPlan plan = Plan(new() { Service = "systemd=yes\nunit.netfilter-persistent=yes\nboot.netfilter-persistent=yes\nstarted.netfilter-persistent=no\n", RulesFile = "/etc/iptables/rules.v4" });
        Assert.Equal("systemctl start netfilter-persistent", plan.Steps.Single(s => s.Name == "StartService").Command);
        IReadOnlyDictionary<string, string> values = Values(plan);
        Assert.Equal(("netfilter-persistent", "systemd", "/etc/iptables/rules.v4"), (values["SERVICES"], values["MANAGER"], values["FILE_1"]));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(Filter)]
    [InlineData("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQ")]
    [InlineData("Chain POSTROUTING (policy ACCEPT)\ntarget     prot opt source               destination\nMASQUERADE  all  --  0.0.0.0/0            0.0.0.0/0\n")]
    public void Persisted_rules_that_would_not_bring_NAT_back_are_refused(string? persisted) =>
        Assert.Equal(ErrorIds.NothingToRestore, Plan(new() { Persisted = persisted }).Refusal?.ErrorId);

    [Fact]
    public void A_host_without_a_service_that_loads_rules_has_nothing_to_restore() =>
        Assert.Equal(ErrorIds.NothingToRestore, Plan(new() { Service = "systemd=no\n" }).Refusal?.ErrorId);

    [Theory]
    [InlineData("table ip nat {\n chain post { type nat hook postrouting priority 100;\n  oifname eth0 masquerade }\n}\n", null, "", true)]
    [InlineData("table ip nat {\n chain post { type nat hook postrouting priority 100; snat to 192.0.2.1; }\n}\n", Nat, "boot.nftables=yes\n", true)]
    [InlineData("oifname eth0 masquerade\n", Nat, "boot.nftables=no\n", false)]
    [InlineData("# oifname eth0 masquerade\nunmasqueraded\n", Nat, "boot.nftables=yes\n", false)]
    public void Where_the_NAT_is_nfts_own_rules_of_iptables_are_not_loaded(string native, string? persisted, string boot, bool refused)
    {
        RepairPlan plan = Plan(new() { Native = native, Persisted = persisted, Service = SysV + boot });
        Assert.Equal(refused, plan.Refusal is not null);
        if (refused)
            Assert.Equal((ErrorIds.NothingToRestore, true), (plan.Refusal!.ErrorId, plan.Refusal.Message.Contains("nft -f /etc/nftables.conf", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("*filter\n:INPUT DROP [0:0]\n:ufw-user-input - [0:0]\n-A INPUT -j ufw-user-input\nCOMMIT\n", "Ufw")]
    [InlineData("*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER - [0:0]\n-A FORWARD -o docker0 -j DOCKER\nCOMMIT\n", "Docker")]
    [InlineData("*nat\n:NETAVARK-HOSTPORT-DNAT - [0:0]\n-A OUTPUT -j NETAVARK-HOSTPORT-DNAT\nCOMMIT\n", "Podman")]
    public void Chains_that_nothing_would_make_again_are_not_wiped(string running, string owner)
    {
        Assert.Null(Plan(new() { Running = running }, new RepairOptions(Force: true)).Refusal);
        Fault? refusal = Plan(new() { Running = running }).Refusal;
        Assert.Equal((ErrorIds.ForeignRules, true), (refusal?.ErrorId, refusal?.Message.Contains(owner, StringComparison.Ordinal)));
    }

    [Fact]
    public void Firewalld_is_not_stopped_now_nor_at_the_next_boot()
    {
        Assert.Equal(["Backup", "CreateMarker", "ReloadFirewalld", "RestartAgent"], Names(new() { Service = SysV + "owner=firewalld\n", Boot = false }));
        Assert.Equal(["Backup", "CreateMarker"], Names(new() { Running = Nat, Service = SysV + "owner=firewalld\n", Boot = false }));
    }

    [Theory]
    [InlineData(true, "iptables ip6tables")]
    [InlineData(false, "iptables")]
    public void The_service_for_IPv6_is_left_alone_where_the_kernel_has_no_IPv6(bool ipv6, string services) =>
        Assert.Equal(services, Values(Plan(new() { Service = SysV + "script.ip6tables=/etc/rc.d/init.d/ip6tables\nboot.ip6tables=yes\n", Persisted6 = Filter, IPv6 = ipv6 }))["SERVICES"]);

    [Theory]
    [InlineData("", Filter, true)]
    [InlineData(Filter, Filter, false)]
    [InlineData("", "", false)]
    [InlineData("", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", false)]
    [InlineData("", "*filter\n-A INPUT -j AC", false)]
    public void IPv6_rules_that_are_gone_are_loaded_as_those_of_IPv4_are(string running, string persisted, bool loaded)
    {
        RepairPlan plan = Plan(new() { Running6 = running, Persisted6 = persisted });
        Assert.Equal(loaded ? ["/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables"] : ["/etc/sysconfig/iptables"], plan.ToTransaction().Loads.Select(load => load.File));
        Assert.Equal(loaded, plan.Steps.Single(s => s.Name == "LoadRules").Command.Contains("ip6tables-restore", StringComparison.Ordinal));
    }

    [Fact]
    public void IPv6_rules_alone_are_brought_back_without_a_restart_of_the_agent() =>
        Assert.Equal(["CheckRules", "Backup", "LoadRules"], Names(new() { Running = Nat, Marker = Marker, Running6 = "", Persisted6 = Filter }));

    [Theory]
    [InlineData("stat=directory|0|0|755|40|1700000000|root|root\n")]
    [InlineData("stat=symbolic link|0|0|777|12|1700000000|root|root\nlink=/etc/nowhere\n")]
    public void Something_else_in_the_markers_place_is_not_touched(string marker) =>
        Assert.Equal(ErrorIds.MarkerUnusable, Plan(new() { Marker = marker }).Refusal?.ErrorId);

    [Fact]
    public void One_who_is_not_root_is_refused() =>
        Assert.Equal(ErrorIds.PermissionDenied, Plan(new() { Uid = 1000 }).Refusal?.ErrorId);

    [Fact]
    public void A_state_that_is_not_known_is_not_repaired() =>
        Assert.Equal(ErrorIds.StateUnknown, Plan(new() { Running = "*nat\n:POSTROUTING ACCEPT [0:0]\n" }).Refusal?.ErrorId);

    [Fact]
    public void Forwarding_that_is_off_is_no_reason_to_reload_rules() =>
        Assert.Empty(Plan(new() { Running = Nat, Marker = Marker, Forwarding = "0" }).Steps);

    private static IReadOnlyDictionary<string, string> Values(RepairPlan plan) => plan.ToTransaction().ToScript("id", plan.Digest, new ChangeLimits()).Values;

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static IEnumerable<string> Names(Host host) => Plan(host).Steps.Select(s => s.Name);

    private static RepairPlan Plan(Host host, RepairOptions? options = null)
    {
        RepairPlan plan = RepairPlan.For(host.Answer.Snapshot(), options ?? new RepairOptions());
        if (plan.Refusal is not null)
            Assert.Empty(plan.Steps);
        return plan;
    }

    /// <summary>An erased RHEL 6 host with an agent 9.5 that has the Firewall module on, unless a test says otherwise.</summary>
    private sealed record Host
    {
        public string Running { get; init; } = "";
        public string? Persisted { get; init; } = Nat;
        public string RulesFile { get; init; } = "/etc/sysconfig/iptables";
        public string? Persisted6 { get; init; }
        public bool IPv6 { get; init; } = true;
        public string? Native { get; init; }
        public string? Running6 { get; init; }
        public string Service { get; init; } = SysV;
        public bool Boot { get; init; } = true;
        public string Marker { get; init; } = "";
        public string? Agent { get; init; } = "9.5.3-2754.el6";
        public string AgentFiles { get; init; } = "running=yes\nstarting=no\nboot=yes\n";
        public int Uid { get; init; }
        public string Forwarding { get; init; } = "1";

        public Answer Answer
        {
            get
            {
                Answer answer = Probe.Answer.OfLinux(Uid, Forwarding, IPv6)
                    .With("save.iptables", Running)
                    .WithMarker(Marker)
                    .With(
                        "agent.files",
                        Agent is null ? "running=no\n" : "exists=/opt/ds_agent\nfilter=loaded\n" + AgentFiles)
                    .With("service", Service + $"boot.iptables={(Boot ? "yes" : "no")}\n");
                if (Agent is not null)
                    answer.With("agent.rpm", Agent + "\n").With("agent.GetComponentInfo", "Component.FWDPI.firewallMode: on-prevent\n");
                if (Native is not null)
                    answer.With("file./etc/nftables.conf", Native);
                if (Persisted is not null)
                    answer.With("file." + RulesFile, Persisted);
                if (Persisted6 is not null)
                    answer.With("file./etc/sysconfig/ip6tables", Persisted6);
                if (Running6 is not null)
                    answer.With("save.ip6tables", Running6);
                return answer;
            }
        }
    }
}
