using Xunit;

namespace NatDsa.LabTests;

/// <summary>What is said of an agent, by its version, its modules, the marker and what <c>dsa_query</c> answers.</summary>
public sealed class AgentRiskTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Touch = "touch /etc/use_dsa_with_iptables";

    [Theory]
    [InlineData("9.5.3-2754.el6", "9.5.3.2754", "off", "true", DsaRisk.ErasesWhenModuleTurnedOn, false)]
    [InlineData("9.5.3-2754.el6", "9.5.3.2754", "on", "true", DsaRisk.ErasesOnNextStart, false)]
    [InlineData("9.5.3-2754.el6", "9.5.3.2754", "on", Touch, DsaRisk.Protected, true)]
    [InlineData("10.1.0-500.el6", "10.1.0.500", "off", "true", DsaRisk.ErasesWhenModuleTurnedOn, false)]
    [InlineData("10.1.0-500.el6", "10.1.0.500", "on", "true", DsaRisk.ErasesOnNextStart, false)]
    [InlineData("10.1.0-500.el6", "10.1.0.500", "on", Touch, DsaRisk.Protected, true)]
    [InlineData("10.2.0-404.el6", "10.2.0.404", "on", "true", DsaRisk.DoesNotErase, true)]
    [InlineData("20.0.0-5137.el7", "20.0.0.5137", "on", "true", DsaRisk.DoesNotErase, true)]
    [InlineData("20.0.0-5137.el7", "20.0.0.5137", "off", Touch, DsaRisk.DoesNotErase, true)]
    public async Task The_risk_follows_from_version_modules_and_marker(
        string package, string version, string module, string marker, DsaRisk risk, bool sufficient)
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync(package);
        await host.Lab.SetModuleAsync("ips", module == "on");
        await host.OnNatAsync(marker);

        var agent = (await host.RunUnchangedAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>();
        Assert.Equal(risk, agent.Risk);
        Assert.Equal((package, Version.Parse(version)), (agent.PackageVersion, agent.Release));
        Assert.Equal((true, module == "on"), (agent.Running, agent.FilterLoaded));
        Assert.Equal(("off", module == "on" ? "on-prevent" : "off"), (agent.FirewallMode, agent.IntrusionPreventionMode));
        Assert.Equal((true, new Uri("https://dsm.example.com:4120/")), (agent.Activated, agent.ManagerUrl));
        Assert.Equal(marker == Touch, agent.MarkerPresent);

        var file = (await host.RunAsync("Test-DsaMarkerFile @nat -Marker UseDsaWithIptables")).Only<DsaMarkerFile>();
        Assert.Equal((sufficient, agent.Release), (file.Sufficient, file.AgentRelease));
        Assert.Equal(sufficient, (await host.RunAsync("Test-DsaMarkerFile @nat -Quiet")).Only<bool>());
    }

    [Fact]
    public async Task Without_an_agent_there_is_no_risk_and_the_marker_is_still_missed()
    {
        await host.RenewAsync();
        var agent = (await host.RunUnchangedAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>();
        Assert.Equal((DsaRisk.NotInstalled, false, (Version?)null), (agent.Risk, agent.Installed, agent.Release));
        Assert.False((await host.RunAsync("Test-DsaMarkerFile @nat -Quiet")).Only<bool>());
    }

    [Theory]
    [InlineData("missing", "is missing")]
    [InlineData("refuse", "with code 1")]
    [InlineData("hang", "did not answer")]
    public async Task Without_an_answer_of_dsa_query_the_risk_is_unknown_and_the_reason_is_told(string fault, string reason)
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync();
        await host.Lab.SetFaultAsync("dsa-query", fault);

        var agent = (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>();
        Assert.Equal(DsaRisk.Unknown, agent.Risk);
        Assert.Contains(reason, agent.Reason, StringComparison.Ordinal);
        Assert.Equal((new Version(9, 5, 3, 2754), true), (agent.Release, agent.Running));
        Assert.Equal((null, null, null), (agent.FirewallMode, agent.IntrusionPreventionMode, agent.Activated));
        Assert.Equal("", await host.OnNatAsync("pgrep -f '[d]sa_query' || true"));
    }

    [Fact]
    public async Task A_repair_does_not_need_dsa_query()
    {
        await host.BreakAsync();
        await host.Lab.SetFaultAsync("dsa-query", "hang");
        var repair = (await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0")).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, DsaRisk.Unknown, DsaRisk.Protected), (repair.Outcome, repair.RiskBefore, repair.RiskAfter));
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Theory]
    [InlineData("10.2.0-404.el6")]
    [InlineData("20.0.0-5137.el7")]
    public async Task Ports_that_a_newer_agent_opens_are_not_the_operators_rules(string package)
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync(package, relay: true);
        var working = (await host.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>();
        Assert.Equal(NatStatus.Healthy, working.Status);

        // Everything goes but what the agent has put in.
        await host.OnNatAsync("""
            iptables-save | grep -e '--dport 41[12]' >/tmp/ports
            test $(wc -l </tmp/ports) = 2
            for family in iptables ip6tables; do
                for chain in INPUT FORWARD OUTPUT; do $family -P $chain ACCEPT; done
                $family -F
            done
            iptables -t nat -F
            { echo '*filter'; cat /tmp/ports; echo COMMIT; } | iptables-restore -n
            """);
        var erased = (await host.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>();
        Assert.Equal(NatStatus.Erased, erased.Status);
        await host.OnNatAsync("iptables -A INPUT -p tcp --dport 4117 -j ACCEPT");
        var other = (await host.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>();
        Assert.Equal(NatStatus.NatMissing, other.Status);
    }
}
