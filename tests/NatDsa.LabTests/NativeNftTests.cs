using Xunit;

namespace NatDsa.LabTests;

/// <summary>A host whose NAT is nft's own, without a rule of iptables.</summary>
public sealed class NativeNftTests
{
    private const string NativeNat = """
        #!/usr/sbin/nft -f
        flush ruleset
        table ip gateway {
            map uplinks { type ifname : verdict; elements = { "eth0" : jump outside }; }
            chain outside { ip saddr 10.0.1.0/24 counter masquerade; }
            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                oifname vmap @uplinks
            }
        }
        """;

    [Theory]
    [InlineData(LabBackend.Nft)]
    [InlineData(LabBackend.Legacy)]
    public async Task It_is_healthy_while_its_rules_are_there_and_not_repaired_with_rules_of_iptables(LabBackend backend)
    {
        await using Lab lab = await Lab.RaiseAsync(new LabOptions(LabFlavor.Debian, backend), TestContext.Current.CancellationToken);
        await OnNatAsync(lab, "for table in filter nat mangle raw; do iptables -t $table -F; iptables -t $table -X; done; iptables -P INPUT ACCEPT; iptables -P FORWARD ACCEPT");
        await OnNatAsync(lab, "rm -f /etc/iptables/rules.v4");
        Assert.False((await lab.FetchAsync()).Answered);
        Assert.Equal("Erased", await AskAsync(lab, "(Get-NatIptablesState).Status"));

        await OnNatAsync(lab, $"cat >/etc/nftables.conf <<'END'\n{NativeNat}\nEND\nnft -f /etc/nftables.conf");
        Assert.True((await lab.FetchAsync()).Answered);
        Assert.Equal("Healthy", await AskAsync(lab, "(Get-NatIptablesState).Status"));
        Assert.Equal("ip saddr 10.0.1.0/24 MASQUERADE", await AskAsync(lab, "Get-NatIptablesRule | Where-Object Target -EQ MASQUERADE | ForEach-Object { \"ip saddr $($_.Source) $($_.Target)\" }"));
        Assert.Equal("NothingToDo", await AskAsync(lab, "(Repair-DsaNatHost -Confirm:0).Outcome"));

        await OnNatAsync(lab, "nft flush ruleset");
        Assert.False((await lab.FetchAsync()).Answered);
        Assert.Equal("Erased", await AskAsync(lab, "(Get-NatIptablesState).Status"));
        string refusal = await AskAsync(lab, "$null = Repair-DsaNatHost -Confirm:0 -ErrorAction SilentlyContinue; \"$($Error[0].FullyQualifiedErrorId) $($Error[0])\"");
        Assert.StartsWith("NothingToRestore", refusal, StringComparison.Ordinal);
        Assert.Contains("nft -f /etc/nftables.conf", refusal, StringComparison.Ordinal);

        await OnNatAsync(lab, "nft add table ip half; nft 'add chain ip half post { type nat hook postrouting priority 100; }'; nft add rule ip half post counter");
        Assert.Equal("NatMissing", await AskAsync(lab, "(Get-NatIptablesState).Status"));
    }

    private static async Task OnNatAsync(Lab lab, string script) => (await lab.Nat.ShellAsync(script)).EnsureSucceeded();

    private static async Task<string> AskAsync(Lab lab, string command) => (await lab.Nat.PwshAsync(command)).EnsureSucceeded().Output.Trim();
}
