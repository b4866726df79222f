using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Agent;

public sealed class DsaAgentStateTests
{
    private const string Installed = "exists=/opt/ds_agent\nexists=/opt/ds_agent/dsa_query\nrunning=yes\nfilter=loaded\n";
    private const string Regular = "stat=regular empty file|0|0|644|0|1700000000|root|root\n";

    private const string Status = """
        AgentStatus.1: agentState
        AgentStatus.2: dsmUrl
        AgentStatus.agentState: green
        AgentStatus.dsmUrl: https://dsm.example:4120/

        """;

    [Theory]
    [InlineData("9.5.3-2754.el6", "on-prevent", "off", false, DsaRisk.ErasesOnNextStart)]
    [InlineData("9.5.3-2754.el6", "off", "on-detect", false, DsaRisk.ErasesOnNextStart)]
    [InlineData("10.1.0-100.el7", "some-new-word", "off", false, DsaRisk.ErasesOnNextStart)]
    [InlineData("10.1.0-100.el7", "off", "off", false, DsaRisk.ErasesWhenModuleTurnedOn)]
    [InlineData("10.1.0-100.el7", "off", "off", true, DsaRisk.Protected)]
    [InlineData("9.5.3-2754.el6", "on-prevent", "on-prevent", true, DsaRisk.Protected)]
    [InlineData("10.2.0-404.el7", "on-prevent", "on-prevent", false, DsaRisk.DoesNotErase)]
    [InlineData("20.0.0-5137.el7", "off", "off", true, DsaRisk.DoesNotErase)]
    public void The_risk_follows_from_version_modules_and_marker(string version, string firewall, string ips, bool marker, DsaRisk risk) =>
        Assert.Equal(risk, State(Agent(version, firewall, ips), marker).Risk);

    [Fact]
    public void What_is_read_is_told()
    {
        DsaAgentState state = State(Agent("9.5.3-2754.el6", "on-prevent", "off").With("agent.GetAgentStatus", Status), marker: true);
        Assert.Equal(
            (true, new Version(9, 5, 3, 2754), "9.5.3-2754.el6"),
            (state.Installed, state.Release, state.PackageVersion));
        Assert.Equal((true, true, true), (state.Running, state.FilterLoaded, state.Activated));
        Assert.Equal(("on-prevent", "off"), (state.FirewallMode, state.IntrusionPreventionMode));
        Assert.Equal(new Uri("https://dsm.example:4120/"), state.ManagerUrl);
    }

    [Fact]
    public void An_index_line_is_no_value() =>
        Assert.Null(State(Agent("9.5.3-2754.el6", "off", "off").With("agent.GetAgentStatus", "AgentStatus.2: dsmUrl\n"), marker: true).Activated);

    [Fact]
    public void A_manager_without_a_value_means_not_activated() =>
        Assert.False(State(Agent("9.5.3-2754.el6", "off", "off").With("agent.GetAgentStatus", "AgentStatus.dsmUrl: \n"), marker: true).Activated);

    [Fact]
    public void Nothing_of_an_agent_means_not_installed()
    {
        DsaAgentState state = State(Answer.OfLinux().With("agent.files", "running=no\nfilter=absent\n").With("agent.rpm", "package ds_agent is not installed\n", 1), marker: false);
        Assert.Equal((false, DsaRisk.NotInstalled), (state.Installed, state.Risk));
    }

    [Fact]
    public void A_removed_package_whose_settings_are_left_is_not_installed() =>
        Assert.False(State(Answer.OfLinux().With("agent.files", "running=no\n").With("agent.dpkg", "deinstall ok config-files|20.0.0.5137\n"), marker: false).Installed);

    [Fact]
    public void Dpkgs_version_is_understood()
    {
        Answer answer = Answer.OfLinux()
            .With("agent.files", Installed)
            .With("agent.dpkg", "install ok installed|20.0.0.5137\n");
        Assert.Equal(new Version(20, 0, 0, 5137), State(answer, marker: false).Release);
    }

    [Fact]
    public void A_query_that_hung_leaves_the_risk_unknown_and_says_so()
    {
        DsaAgentState state = State(
            Answer.OfLinux().With("agent.files", Installed).With("agent.rpm", "9.5.3-2754.el6\n").With("agent.GetAgentStatus", "", 137), marker: false);
        Assert.Equal(DsaRisk.Unknown, state.Risk);
        Assert.Contains("10 s", state.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "ended with code 1")]
    [InlineData(1000, "root only")]
    public void A_query_that_refused_leaves_the_risk_unknown_and_says_what_to_do(int uid, string words)
    {
        DsaAgentState state = State(
            Answer.OfLinux(uid).With("agent.files", Installed).With("agent.rpm", "9.5.3-2754.el6\n").With("agent.GetComponentInfo", "", 1, "denied"), marker: false);
        Assert.Equal(DsaRisk.Unknown, state.Risk);
        Assert.Contains(words, state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_agent_of_unknown_version_and_no_marker_is_an_unknown_risk() =>
        Assert.Equal(DsaRisk.Unknown, State(Answer.OfLinux().With("agent.files", Installed), marker: false).Risk);

    [Fact]
    public void An_answer_without_the_marker_is_an_unknown_risk() =>
        Assert.Equal(DsaRisk.Unknown, DsaAgentState.Read(Agent("9.5.3-2754.el6", "off", "off").Snapshot()).Risk);

    [Fact]
    public void An_answer_without_the_agent_is_an_unknown_risk_and_not_a_missing_agent() =>
        Assert.Equal(DsaRisk.Unknown, DsaAgentState.Read(Answer.OfLinux().WithMarker().Snapshot()).Risk);

    [Fact]
    public void Whether_the_agent_runs_is_not_known_to_one_who_cannot_see_its_process() =>
        Assert.Null(State(Answer.OfLinux(uid: 1000).With("agent.files", "exists=/opt/ds_agent\nrunning=no\n"), marker: false).Running);

    [Theory]
    [InlineData("running=no\nboot=yes\n", true, "ds_agent does not run")]
    [InlineData("running=no\nstarting=yes\nboot=yes\n", true, "ds_agent is still starting")]
    [InlineData("running=yes\nboot=yes\n", true, null)]
    [InlineData("running=no\nboot=no\n", false, null)]
    [InlineData("running=no\n", null, null)]
    public void An_agent_that_starts_at_boot_and_does_not_run_is_told_of(
        string files, bool? startsAtBoot, string? words)
    {
        DsaAgentState state = State(
            Answer.OfLinux().With("agent.files", "exists=/opt/ds_agent\n" + files).With("agent.rpm", "20.0.0-5137\n"),
            marker: true);
        Assert.Equal(startsAtBoot, state.StartsAtBoot);
        Assert.Equal(words is not null, state.Reason.Contains("ds_agent", StringComparison.Ordinal));
        Assert.Contains(words ?? "", state.Reason, StringComparison.Ordinal);
    }

    private static Answer Agent(string version, string firewall, string ips) =>
        Answer.OfLinux().With("agent.files", Installed).With("agent.rpm", version + "\n").With(
            "agent.GetComponentInfo",
            $"Component.CORE.version: 12.5\nComponent.FWDPI.mode: {ips}\nComponent.FWDPI.firewallMode: {firewall}\nComponent.FWDPI.driverState: 7\n");

    private static DsaAgentState State(Answer answer, bool marker) => DsaAgentState.Read(answer.WithMarker(marker ? Regular : "").Snapshot());
}
