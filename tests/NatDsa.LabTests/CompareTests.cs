using Xunit;

namespace NatDsa.LabTests;

/// <summary>What <c>Compare-NatIptablesState</c> tells of a host with real rules.</summary>
public sealed class CompareTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Persisted = "Compare-NatIptablesState @nat -Persisted";

    [Fact]
    public async Task A_host_runs_what_it_would_load_at_boot_until_somebody_changes_one_of_them()
    {
        await host.RenewAsync();
        Assert.True((await host.RunUnchangedAsync(Persisted + " -Quiet")).Only<bool>());

        await host.OnNatAsync("iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j ACCEPT; ip6tables -A INPUT -s fd00::/8 -j DROP");
        var answer = await host.RunUnchangedAsync(Persisted);
        Assert.Empty(answer.Errors);
        Assert.Equal(
            [(RuleDifferenceKind.Added, Netfilter.NetfilterFamily.IPv4, "nat"), (RuleDifferenceKind.Added, Netfilter.NetfilterFamily.IPv6, "filter")],
            answer.Output.Select(o => (RuleDifference)o.BaseObject).Select(d => (d.Kind, d.Family, d.Table)));
    }

    [Fact]
    public async Task What_the_agent_erased_is_what_is_removed()
    {
        await host.RenewAsync();
        await host.RunAsync("$good = Get-NatIptablesState @nat");
        Assert.True((await host.RunAsync("Get-NatIptablesState @nat | Compare-NatIptablesState -Reference $good -Quiet")).Only<bool>());
        await host.BreakAsync();
        var answer = await host.RunUnchangedAsync("Compare-NatIptablesState @nat -Reference $good");
        Assert.Empty(answer.Errors);
        RuleDifference[] lost = [.. answer.Output.Select(o => (RuleDifference)o.BaseObject)];
        Assert.Contains(lost, d => d is { Kind: RuleDifferenceKind.Removed, ExpectedRule.IsSourceNat: true });
        Assert.All(lost, d => Assert.Null(d.FoundRule));
        Assert.All(lost, d => Assert.Equal(host.Nat.Address, d.ComputerName));
    }

    [Fact]
    public async Task Without_root_nothing_is_said_to_be_the_same()
    {
        await host.RenewAsync();
        var answer = await host.RunAsync("Compare-NatIptablesState @operator -Persisted -Quiet");
        Assert.Equal("PermissionDenied", answer.ErrorId);
        Assert.Empty(answer.Output);
    }
}
