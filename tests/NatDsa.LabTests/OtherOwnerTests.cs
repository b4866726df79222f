using Xunit;

namespace NatDsa.LabTests;

/// <summary>
/// More owners of rules, each as Debian has it, on a host with systemd: with <c>NATDSA_OWNERS=all</c>, for each needs packages of its own. In each
/// test the client's packets go by the owner's own NAT.
/// </summary>
public sealed class OtherOwnerTests
{
    private const string Repair = "Repair-DsaNatHost @natPlain -Confirm:0";

    // The rules that the lab's host has persisted are not to be there.
    private const string WithoutPersistedRules = "systemctl disable --now netfilter-persistent; rm -f /etc/iptables/rules.*; nft flush ruleset\n";

    // Rules that an owner makes for a bridge are those for the clients' network.
    private const string MoveClientsTo = "ip address flush dev eth1 && ip link set eth1 master ";

    private const string Shorewall = WithoutPersistedRules + """
        printf 'fw firewall\nnet ipv4\nloc ipv4\nmgt ipv4\n' >/etc/shorewall/zones
        printf 'net eth0\nloc eth1\nmgt mgmt0\n' >/etc/shorewall/interfaces
        printf 'fw all ACCEPT\nloc net ACCEPT\nmgt fw ACCEPT\nall all REJECT\n' >/etc/shorewall/policy
        printf 'MASQUERADE 10.0.1.0/24 eth0\n' >/etc/shorewall/snat
        sed -i s/startup=0/startup=1/ /etc/default/shorewall
        systemctl enable --now shorewall
        """;

    private const string Firewalld = "systemctl stop firewalld\n" + WithoutPersistedRules + """
        systemctl start firewalld
        firewall-cmd --permanent --zone=external --add-interface=eth0
        firewall-cmd --permanent --zone=trusted --add-interface=eth1
        firewall-cmd --permanent --zone=trusted --add-interface=mgmt0
        firewall-cmd --permanent --new-policy out
        firewall-cmd --permanent --policy out --add-ingress-zone trusted
        firewall-cmd --permanent --policy out --add-egress-zone external
        firewall-cmd --permanent --policy out --set-target ACCEPT
        firewall-cmd --reload

        """;

    private const string FirewalldOnIptables = "sed -i 's/^FirewallBackend=.*/FirewallBackend=iptables/' /etc/firewalld/firewalld.conf\n" + Firewalld;

    private const string Libvirt = WithoutPersistedRules + """
        echo "<network><name>clients</name><forward mode='nat'/><bridge name='virbr9' stp='off'/><ip address='10.0.1.1' prefix='24'/></network>" >/tmp/clients.xml
        ip address flush dev eth1
        virsh net-define /tmp/clients.xml
        virsh net-start clients

        """ + MoveClientsTo + "virbr9\n";

    private const string Docker = MoveClientsTo + """
        docker0 && docker network create --subnet 10.0.1.0/24 --gateway 10.0.1.1 -o com.docker.network.bridge.name=br-clients clients
        ip link set eth1 master br-clients

        """;

    private static readonly bool s_all = Environment.GetEnvironmentVariable("NATDSA_OWNERS") == "all";

    [Theory]
    [InlineData("shorewall", Shorewall, "", "ReloadShorewall")]
    [InlineData("firewalld", FirewalldOnIptables, "", "ReloadFirewalld")]
    // nft's own tables are none that the agent erases.
    [InlineData("firewalld", Firewalld, "nft flush ruleset", "ReloadFirewalld")]
    [InlineData("libvirt-daemon-system dnsmasq-base", Libvirt, "", "RestartLibvirt")]
    [InlineData("docker.io", WithoutPersistedRules + "systemctl restart docker\n" + Docker, "", "RestartDocker")]
    [InlineData("docker.io firewalld", FirewalldOnIptables + "systemctl restart docker\n" + Docker, "", "ReloadFirewalld RestartDocker")]
    public async Task Its_owner_brings_the_NAT_back(string packages, string setUp, string andThen, string steps)
    {
        await using var lab = await RaiseAsync(packages);
        using var shell = new LabShell(lab);
        (await lab.Nat.ShellAsync(setUp)).EnsureSucceeded();
        Assert.True((await lab.FetchAsync()).Answered);
        await lab.BreakAsync();
        (await lab.Nat.ShellAsync(andThen)).EnsureSucceeded();
        Assert.False((await lab.FetchAsync()).Answered);
        var before = await lab.Nat.SnapshotAsync();

        // The agent that does not come up takes back what the owner has made.
        await lab.SetFaultAsync("restart", "fail-once");
        var failed = await shell.RunAsync($"{Repair} -UndoOnAgentFailure");
        Assert.Equal("RepairFailed", failed.ErrorId);
        Assert.Equal(ChangeStepStatus.Failed, failed.Despite<RepairResult>().Steps.Single(s => s.Name == "RestartAgent").Status);
        Assert.Equal("", LabSnapshot.WithoutEmptyChains(before.DifferenceTo(await lab.Nat.SnapshotAsync(), "/var", "/root", "module dsa_filter", "/etc/docker", "/etc/firewalld")));

        var repair = (await shell.RunAsync(Repair)).Only<RepairResult>();
        Assert.Equal(ChangeOutcome.Done, repair.Outcome);
        Assert.Equal(steps.Split(' '), repair.Steps.Select(s => s.Name).Where(n => n is not ("Backup" or "CreateMarker" or "RestartAgent")));
        Assert.True((await lab.FetchAsync()).Answered);
        Assert.Equal(ChangeOutcome.NothingToDo, (await shell.RunAsync(Repair)).Only<RepairResult>().Outcome);
    }

    [Fact]
    public async Task Docker_adds_its_rules_to_the_persisted_ones_that_are_loaded_first()
    {
        await using var lab = await RaiseAsync("docker.io");
        using var shell = new LabShell(lab);
        await lab.BreakAsync();
        Assert.Contains("RestartDocker", (await shell.RunAsync("Repair-DsaNatHost @natPlain -Confirm:0 -Verbose 4>&1")).ToString(), StringComparison.Ordinal);
        Assert.True((await lab.FetchAsync()).Answered);
        var rules = (await lab.Nat.ShellAsync("iptables-save")).EnsureSucceeded().Output;
        Assert.Contains(":DOCKER ", rules, StringComparison.Ordinal);
        Assert.Contains("-A POSTROUTING -o eth0 -j MASQUERADE", rules, StringComparison.Ordinal);
    }

    private static async Task<Lab> RaiseAsync(string packages)
    {
        Assert.SkipUnless(s_all, "NATDSA_OWNERS=all runs it");
        Assert.SkipUnless(Lab.CanBeRaised, Lab.WhyNot ?? "");
        return await Lab.RaiseAsync(new LabOptions(LabFlavor.Systemd) { With = packages.Split(' ') }, TestContext.Current.CancellationToken);
    }
}
