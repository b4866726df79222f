using System.Text;
using NatDsa.Change;
using NatDsa.Protect;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Protect;

/// <summary>What is done to keep a host's NAT, and what is said of what is left.</summary>
public sealed class ProtectionPlanTests
{
    private const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Other = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n";
    private const string AgentsOwn = "*filter\n:INPUT ACCEPT [0:0]\n[5:300] -A INPUT -p tcp -m tcp --dport 4118 -j ACCEPT\nCOMMIT\n";
    private const string Use = "/etc/use_dsa_with_iptables";
    private const string DoNotOpen = "/etc/do_not_open_ports_on_iptables";

    [Theory]
    [InlineData(null, Use, DoNotOpen)]
    [InlineData("9.5.3-2754.el6", Use)]
    [InlineData("10.1.0-1.el7", Use)]
    [InlineData("10.2.0-404.el7", DoNotOpen)]
    [InlineData("20.0.0-5137.el7", DoNotOpen)]
    [InlineData("unreadable", Use)]
    public void The_markers_are_those_of_the_version(string? version, params string[] markers) =>
        Assert.Equal(markers, Plan(new() { Version = version }).ToTransaction().Markers);

    [Fact]
    public void A_host_that_has_it_all_is_left_alone()
    {
        ProtectionPlan plan = Plan(new() { Markers = true });
        Assert.Empty(plan.Steps);
        ProtectionResult result = Result(plan);
        Assert.Equal((ChangeOutcome.NothingToDo, null, 0), (result.Outcome, result.Fault?.ErrorId, result.RisksLeft.Count));
    }

    [Fact]
    public void Rules_are_saved_on_request_only()
    {
        var host = new Host { Markers = true, Persisted = Other };
        ProtectionPlan plan = Plan(host);
        Assert.Empty(plan.Steps);
        Assert.Equal(ErrorIds.NotProtected, Result(plan).Fault?.ErrorId);
        Assert.Contains(Result(plan).RisksLeft, risk => risk.Contains("-SaveRules", StringComparison.Ordinal));

        plan = Plan(host, saveRules: true);
        Assert.Equal(["CheckRules", "Backup", "SaveRules"], plan.Steps.Select(s => s.Name));
        Assert.Equal(("/etc/sysconfig/iptables", Nat), Installed(plan));
    }

    [Fact]
    public void The_only_copy_of_NAT_that_does_not_run_is_not_written_over()
    {
        string docker = "*nat\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
            + "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n";
        ProtectionPlan plan = Plan(new Host { Markers = true, Running = docker }, saveRules: true);
        Assert.Empty(plan.Steps);
        Assert.Contains(Result(plan).RisksLeft, risk => risk.Contains("the only copy", StringComparison.Ordinal));
    }

    [Fact]
    public void Nobody_is_told_to_save_the_rules_of_a_host_that_does_no_NAT()
    {
        ProtectionResult result = Result(Plan(new() { Markers = true, Running = "" }));
        Assert.DoesNotContain("-SaveRules", Assert.Single(result.RisksLeft), StringComparison.Ordinal);
        Assert.Equal(ErrorIds.NotProtected, result.Fault?.ErrorId);
    }

    [Fact]
    public void What_the_agent_adds_for_itself_and_counters_are_not_saved()
    {
        Assert.Empty(Plan(new() { Markers = true, Version = "10.2.0-404.el7", Running = Nat + AgentsOwn }).Steps);
        ProtectionPlan plan = Plan(new() { Markers = true, Version = "10.2.0-404.el7", Running = Nat.Replace("-A", "[7:99] -A", StringComparison.Ordinal) + AgentsOwn, Persisted = Other }, saveRules: true);
        Assert.Equal(("/etc/sysconfig/iptables", Nat + "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"), Installed(plan));
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData(Nat, "owner=dockerd\n", "")]
    [InlineData(Nat, "", Nat)]
    public void Rules_that_should_not_be_saved_are_not(string running, string service, string legacy)
    {
        ProtectionPlan plan = Plan(new() { Markers = true, Running = running, Legacy = legacy, MoreOfService = service, Persisted = Other }, saveRules: true);
        Assert.Empty(plan.Steps);
        Assert.Equal(ErrorIds.NotProtected, Result(plan).Fault?.ErrorId);
    }

    [Theory]
    [InlineData(Nat, true)]
    [InlineData("", false)]
    public void A_service_is_put_into_the_boot_sequence_when_it_would_load_source_NAT(string persisted, bool enabled) =>
        Assert.Equal(enabled, Plan(new() { Boot = "no", Persisted = persisted }).Steps.Any(s => s.Name == "EnableAtBoot"));

    [Fact]
    public void Nothing_that_runs_is_touched()
    {
        Transaction transaction = Plan(new() { Persisted = Other, Boot = "no" }, saveRules: true).ToTransaction();
        Assert.Equal((0, 0, false), (transaction.Loads.Count, transaction.Start.Count, transaction.SourceNat));
        Assert.DoesNotContain(transaction.Steps, step => step is "rules" or "service" or "agent");
    }

    [Theory]
    [InlineData("stat=directory|0|0|755|0|0|root|root\n", 0, ErrorIds.MarkerUnusable)]
    [InlineData("", 1000, ErrorIds.PermissionDenied)]
    public void What_is_in_the_way_is_an_error(string marker, int uid, string errorId) =>
        Assert.Equal(errorId, Plan(new() { MarkerFacts = marker, Uid = uid }).Refusal?.ErrorId);

    [Fact]
    public void A_port_that_the_agent_will_not_open_is_told_of_where_rules_filter()
    {
        string drop = Nat + "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
        ProtectionResult result = Result(Plan(new() { Markers = true, Version = "20.0.0-5137.el7", Running = drop, Persisted = drop }));
        Assert.Equal((ChangeOutcome.NothingToDo, null), (result.Outcome, result.Fault));
        Assert.Contains("4118", Assert.Single(result.RisksLeft), StringComparison.Ordinal);
    }

    private static ProtectionResult Result(ProtectionPlan plan) =>
        new(ChangeEnd.WithoutSteps(plan), backup: null, [.. plan.RisksLeft(plan.Before, plan.Agent, plan.Host)]);

    private static (string File, string Content) Installed(ProtectionPlan plan)
    {
        FileInstall install = Assert.Single(plan.ToTransaction().Installs);
        return (install.File, Encoding.UTF8.GetString(install.Content.Span));
    }

    private static ProtectionPlan Plan(Host host, bool saveRules = false) => ProtectionPlan.For(host.Answer.Snapshot(), saveRules);

    private sealed record Host
    {
        public string Running { get; init; } = Nat;

        public string Legacy { get; init; } = "";

        public string Persisted { get; init; } = Nat;

        public string? Version { get; init; } = "9.5.3-2754.el6";

        public string Boot { get; init; } = "yes";

        public string MoreOfService { get; init; } = "";

        public bool Markers { get; init; }

        public string MarkerFacts { get; init; } = "";

        public int Uid { get; init; }

        public Answer Answer
        {
            get
            {
                const string Regular = "stat=regular empty file|0|0|644|0|0|root|root\n";
                string facts = Markers ? Regular : MarkerFacts;
                Answer answer = Answer.OfLinux(Uid)
                    .With("save.iptables-nft", Running)
                    .With("save.iptables-legacy", Legacy)
                    .With("marker", $"marker={Use}\n{facts}marker={DoNotOpen}\n{facts}")
                    .With("service", $"systemd=no\nscript.iptables=/etc/init.d/iptables\nboot.iptables={Boot}\n{MoreOfService}")
                    .With("file./etc/sysconfig/iptables", Persisted);
                return Version is null ? answer.With("agent.files", "running=no\nfilter=absent\n")
                    : answer.With("agent.files", "exists=/opt/ds_agent\nrunning=yes\nfilter=absent\n").With("agent.rpm", Version == "unreadable" ? "" : Version + "\n");
            }
        }
    }
}
