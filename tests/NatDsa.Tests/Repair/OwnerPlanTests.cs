using System.Text;
using NatDsa.Change;
using NatDsa.Repair;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Repair;

/// <summary>Hosts whose rules a program makes: the plan has it make them again, in the right order, and says why.</summary>
public sealed class OwnerPlanTests
{
    private const string Nat = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    private const string Docker = "*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER - [0:0]\n-A FORWARD -o docker0 -j DOCKER\nCOMMIT\n";
    private const string DockerNat =
        "*nat\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
        + "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n";
    private const string Everyone = "owner=fail2ban-server\nowner=kube-proxy\nowner=dockerd\nnetwork=libvirtd\nowner=libvirtd\nowner=shorewall\nowner=ufw\nowner=firewalld\n";

    [Theory]
    [InlineData("owner=firewalld\n", "ReloadFirewalld", "firewall-cmd --reload", "firewalld runs")]
    [InlineData("owner=ufw\n", "ReloadUfw", "ufw reload", "/etc/ufw/ufw.conf")]
    [InlineData("owner=shorewall\nversion.shorewall=5.2.8\n", "ReloadShorewall", "shorewall reload", "/var/lib/shorewall/state")]
    [InlineData("owner=shorewall\nversion.shorewall=4.6.4\n", "ReloadShorewall", "shorewall restart", "/var/lib/shorewall/state")]
    [InlineData("network=libvirtd\nowner=libvirtd\nunit.libvirtd=libvirtd\n", "RestartLibvirt", "systemctl restart libvirtd", "virtual network")]
    [InlineData("network=virtnetworkd\nowner=virtnetworkd\n", "RestartLibvirt", "systemctl restart virtnetworkd", "virtual network")]
    [InlineData("network=virtnetworkd\n", "RestartLibvirt", "systemctl restart virtnetworkd", "virtual network")]
    [InlineData("owner=dockerd\nunit.dockerd=docker\n", "RestartDocker", "systemctl restart docker", "dockerd runs (docker.service)")]
    [InlineData("owner=dockerd\nunit.dockerd=snap.docker.dockerd\n", "RestartDocker", "systemctl restart snap.docker.dockerd", "dockerd runs")]
    [InlineData("owner=kube-proxy\nunit.kube-proxy=kube-proxy\n", "RestartKubeProxy", "systemctl restart kube-proxy", "kube-proxy runs")]
    [InlineData("owner=kube-proxy\n", "AwaitKubeProxy", "until iptables-save", "kube-proxy runs")]
    public void An_owner_makes_its_rules_again_and_must_bring_the_NAT(string facts, string step, string command, string evidence)
    {
        RepairPlan plan = Plan(new Host { Facts = facts });
        Assert.Equal(["Backup", "CreateMarker", step, "RestartAgent"], plan.Steps.Select(s => s.Name));
        ChangeStep reload = plan.Steps[2];
        Assert.StartsWith(command, reload.Command, StringComparison.Ordinal);
        Assert.Contains(evidence, reload.Reason, StringComparison.Ordinal);
        Assert.NotNull(reload.Undo);
        Assert.Equal("owner-" + Values(plan)["NAT_BY"], reload.ScriptName);
    }

    [Theory]
    [InlineData("owner=dockerd\n", "RestartDocker", "service docker restart")]
    [InlineData("network=libvirtd\nowner=libvirtd\n", "RestartLibvirt", "service libvirtd restart")]
    public void Without_systemd_it_is_asked_by_its_init_script(string facts, string step, string command) =>
        Assert.Equal(command, Plan(new Host { Systemd = false, Facts = facts }).Steps.Single(s => s.Name == step).Command);

    [Fact]
    public void Firewalls_come_first_and_fail2ban_last() =>
        Assert.Equal(
            ["ReloadFirewalld", "ReloadUfw", "ReloadShorewall", "RestartLibvirt", "RestartDocker", "AwaitKubeProxy", "ReloadFail2ban"],
            Plan(new Host { Facts = Everyone }).Steps.Select(s => s.Name).Where(n => n is not ("Backup" or "CreateMarker" or "RestartAgent")));

    [Fact]
    public void Persisted_rules_come_before_the_owners_that_add_to_them()
    {
        RepairPlan plan = Plan(new Host { Persisted = Nat, Started = false, Boot = false, Facts = "owner=dockerd\nowner=fail2ban-server\n" });
        Assert.Equal(
            ["CheckRules", "Backup", "CreateMarker", "LoadRules", "StartService", "EnableAtBoot", "RestartDocker", "ReloadFail2ban", "RestartAgent"],
            plan.Steps.Select(s => s.Name));
        Assert.Equal(("yes", ""), (Values(plan)["SOURCE_NAT"], Values(plan)["NAT_BY"]));
    }

    [Theory]
    [InlineData("owner=firewalld\n")]
    [InlineData("owner=ufw\n")]
    [InlineData("owner=shorewall\n")]
    public void Where_a_firewall_owns_the_filter_persisted_rules_are_left_alone(string facts)
    {
        RepairPlan plan = Plan(new Host { Persisted = Nat, Started = false, Boot = false, Facts = facts });
        Assert.DoesNotContain(plan.Steps, s => s.Name is "LoadRules" or "StartService" or "EnableAtBoot");
        Assert.Empty(plan.ToTransaction().Loads);
    }

    [Theory]
    [InlineData("owner=firewalld\n")]
    [InlineData("owner=ufw\n")]
    [InlineData("owner=shorewall\n")]
    public void Nor_are_rules_of_a_file_loaded_over_it(string facts)
    {
        Fault? refusal = Plan(new Host { Facts = facts }, new RepairOptions(Nat, "good.rules")).Refusal;
        Assert.Equal((ErrorIds.ForeignRules, true), (refusal?.ErrorId, refusal?.Message.Contains("-RulesPath", StringComparison.Ordinal)));
    }

    [Fact]
    public void Rules_of_a_file_come_before_the_owners_that_add_to_them() =>
        Assert.Equal(
            ["CheckRules", "Backup", "CreateMarker", "LoadRules", "InstallRules", "RestartDocker", "RestartAgent"],
            Plan(new Host { Persisted = Filter, Facts = "owner=dockerd\n" }, new RepairOptions(Nat, "good.rules")).Steps.Select(s => s.Name));

    [Fact]
    public void The_chains_of_an_owner_that_is_asked_again_may_be_replaced() =>
        Assert.Equal(
            ["CheckRules", "Backup", "CreateMarker", "LoadRules", "RestartDocker", "RestartAgent"],
            Plan(new Host { Running = Docker, Persisted = Nat, Facts = "owner=dockerd\n" }).Steps.Select(s => s.Name));

    [Fact]
    public void Where_only_Dockers_NAT_runs_the_persisted_rules_are_loaded_and_Docker_makes_its_own_again()
    {
        RepairPlan plan = Plan(new Host { Running = DockerNat, Persisted = Nat, Facts = "owner=dockerd\n" });
        Assert.Equal(NatStatus.Incomplete, plan.Before.Status);
        Assert.Equal(
            ["LoadRules", "RestartDocker"],
            plan.Steps.Select(s => s.Name).Where(name => name is "LoadRules" or "RestartDocker"));
        ChangeVerdict verdict = plan.Judge(plan.Before, plan.Agent, done: "LoadRules", plan.Host);
        Assert.Equal((ChangeOutcome.Incomplete, ErrorIds.RepairFailed), (verdict.Outcome, verdict.ErrorId));
    }

    [Fact]
    public void What_Docker_makes_is_not_what_is_missing()
    {
        string manifest = "time=1\nseen=1\nnatdsa-backup=1\nid=0123456789abcdef\nhost=nat01\nstatus=Healthy\n"
            + $"file=iptables.rules {NatBackup.DigestOf(Encoding.UTF8.GetBytes(Nat))} {Nat.Length} Running iptables\n";
        Answer kept = new Host { Running = DockerNat, Facts = "owner=dockerd\n" }.Answer
            .With("backup", "folder=/var/lib/natdsa/backups/0123456789abcdef\n")
            .With("manifest", manifest)
            .With("backup.iptables.rules", Nat);
        var plan = RepairPlan.For(kept.Snapshot(), new RepairOptions());
        Assert.Equal(
            (NatStatus.Incomplete, ErrorIds.NothingToRestore),
            (plan.Before.Status, plan.Refusal?.ErrorId));
    }

    [Fact]
    public void What_only_bans_brings_no_NAT_back() =>
        Assert.Equal(ErrorIds.NothingToRestore, Plan(new Host { Facts = "owner=fail2ban-server\n" }).Refusal?.ErrorId);

    [Fact]
    public void Libvirt_without_a_network_has_no_rules_to_make() =>
        Assert.Equal(ErrorIds.NothingToRestore, Plan(new Host { Facts = "owner=libvirtd\n" }).Refusal?.ErrorId);

    [Theory]
    [InlineData("", true)]
    [InlineData("live-restore=yes\n", false)]
    public void Containers_that_are_restarted_with_Docker_are_told_of(string facts, bool told) =>
        Assert.Equal(told, Plan(new Host { Facts = "owner=dockerd\n" + facts }).Steps.Single(s => s.Name == "RestartDocker").Reason.Contains("containers", StringComparison.Ordinal));

    [Fact]
    public void The_agent_is_restarted_after_the_owners_with_the_marker_there() =>
        Assert.Equal("/etc/use_dsa_with_iptables", Values(Plan(new Host { Facts = "owner=ufw\n" }))["MARKERS"]);

    [Fact]
    public void A_healthy_host_interrupts_nobody_and_says_whose_chains_are_missing()
    {
        RepairPlan plan = Plan(new Host { Running = Nat, Facts = "owner=dockerd\n", Marker = true });
        Assert.Empty(plan.Steps);
        ChangeVerdict verdict = plan.Judge(plan.Before, plan.Agent, done: null, plan.Host);
        Assert.Equal((ChangeOutcome.NothingToDo, true), (verdict.Outcome, verdict.Reason.Contains("systemctl restart docker", StringComparison.Ordinal)));
        plan = Plan(new Host { Running = Nat + Docker, Facts = "owner=dockerd\nowner=fail2ban-server\n", Marker = true });
        Assert.DoesNotContain("restart", plan.Judge(plan.Before, plan.Agent, done: null, plan.Host).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("$(reboot)")]
    [InlineData("-H evil")]
    [InlineData("a b")]
    public void A_units_name_is_not_taken_for_anything_else(string unit) =>
        Assert.Equal("systemctl restart docker", Plan(new Host { Facts = $"owner=dockerd\nunit.dockerd={unit}\n" }).Steps.Single(s => s.Name == "RestartDocker").Command);

    [Theory]
    [InlineData("owner=ufw\nboot.ufw=yes\n", true)]
    [InlineData("owner=ufw\n", false)]
    public void A_firewall_that_starts_at_boot_makes_the_host_come_up_right(string facts, bool ready)
    {
        RepairPlan plan = Plan(new Host { Running = Nat, Persisted = Nat, Facts = facts, Marker = true });
        Assert.Equal(ready, BootReadiness.Of(plan.Host, plan.Before, plan.Agent).Ready);
    }

    [Theory]
    [InlineData(60, "40")]
    [InlineData(6, "4")]
    public void An_owner_leaves_time_for_the_new_connection(int rollback, string seconds) =>
        Assert.Equal(
            seconds,
            Plan(new Host { Facts = "owner=ufw\n" }).ToTransaction().ToScript("id", "0", new ChangeLimits { Rollback = TimeSpan.FromSeconds(rollback) }).Values["OWNER_SECONDS"]);

    private static IReadOnlyDictionary<string, string> Values(RepairPlan plan) => plan.ToTransaction().ToScript("id", plan.Digest, new ChangeLimits()).Values;

    private static RepairPlan Plan(Host host, RepairOptions? options = null) => RepairPlan.For(host.Answer.Snapshot(), options ?? new RepairOptions());

    /// <summary>An erased host with an agent 9.5, and nothing persisted unless a test says so.</summary>
    private sealed record Host
    {
        public string Facts { get; init; } = "";
        public string Running { get; init; } = "";
        public string? Persisted { get; init; }
        public bool Systemd { get; init; } = true;
        public bool Started { get; init; } = true;
        public bool Boot { get; init; } = true;
        public bool Marker { get; init; }

        public Answer Answer
        {
            get
            {
                string service = Persisted is null ? "" : $"unit.iptables=yes\nstarted.iptables={(Started ? "yes" : "no")}\nboot.iptables={(Boot ? "yes" : "no")}\n";
                Answer answer = Probe.Answer.OfLinux()
                    .With("save.iptables", Running)
                    .WithMarker(Marker ? "stat=regular empty file|0|0|644|0|1700000000|root|root\n" : "")
                    .With("agent.files", "exists=/opt/ds_agent\nrunning=yes\nfilter=loaded\n")
                    .With("agent.rpm", "9.5.3-2754.el6\n").With("agent.GetComponentInfo", "Component.FWDPI.firewallMode: on-prevent\n")
                    .With("service", $"systemd={(Systemd ? "yes" : "no")}\n" + service + Facts);
                return Persisted is null ? answer : answer.With("file./etc/sysconfig/iptables", Persisted);
            }
        }
    }
}
