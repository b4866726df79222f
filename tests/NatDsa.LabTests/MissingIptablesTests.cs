using Xunit;

namespace NatDsa.LabTests;

/// <summary>A host that has no iptables.</summary>
public sealed class MissingIptablesTests(SharedLab host) : IClassFixture<SharedLab>
{
    [Fact]
    public async Task A_host_without_iptables_says_so_and_is_left_alone()
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync();
        await host.OnNatAsync("rm /usr/sbin/iptables* /usr/sbin/ip6tables* /usr/sbin/xtables* /usr/sbin/nft");

        var state = await host.RunUnchangedAsync("Get-NatIptablesState @nat");
        Assert.Equal((NatStatus.Unknown, "IptablesMissing"), (state.Despite<NatIptablesState>().Status, state.ErrorId));
        Assert.Equal("IptablesMissing", (await host.RunUnchangedAsync("Get-NatIptablesRule @nat")).ErrorId);
        Assert.Equal("IptablesMissing", (await host.RunUnchangedAsync("Repair-DsaNatHost @nat -Confirm:0")).ErrorId);

        // What does not need iptables works.
        Assert.Equal(DsaRisk.ErasesWhenModuleTurnedOn, (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
        Assert.True((await host.RunAsync("Set-DsaMarkerFile -PassThru @nat")).Only<DsaMarkerFile>().Sufficient);
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }
}
