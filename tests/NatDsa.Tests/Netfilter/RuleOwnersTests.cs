using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Netfilter;

public sealed class RuleOwnersTests
{
    [Theory]
    [InlineData("DOCKER", RuleOwner.Docker)]
    [InlineData("DOCKER-ISOLATION-STAGE-1", RuleOwner.Docker)]
    [InlineData("NETAVARK-HOSTPORT-DNAT", RuleOwner.Podman)]
    [InlineData("KUBE-SVC-TCOU7JCQXEZGVUNU", RuleOwner.Kubernetes)]
    [InlineData("CNI-HOSTPORT-MASQ", RuleOwner.Kubernetes)]
    [InlineData("cali-nat-outgoing", RuleOwner.Kubernetes)]
    [InlineData("POSTROUTING_ZONES", RuleOwner.Firewalld)]
    [InlineData("POSTROUTING_direct", RuleOwner.Firewalld)]
    [InlineData("FORWARD_IN_ZONES_SOURCE", RuleOwner.Firewalld)]
    [InlineData("INPUT_POLICIES_pre", RuleOwner.Firewalld)]
    [InlineData("ufw-user-forward", RuleOwner.Ufw)]
    [InlineData("ufw6-before-input", RuleOwner.Ufw)]
    [InlineData("LIBVIRT_PRT", RuleOwner.Libvirt)]
    [InlineData("libvirt-host-in", RuleOwner.Libvirt)]
    [InlineData("f2b-sshd", RuleOwner.Fail2ban)]
    [InlineData("fail2ban-ssh", RuleOwner.Fail2ban)]
    [InlineData("POST_public", RuleOwner.None)]
    [InlineData("net-fw", RuleOwner.None)]
    [InlineData("INPUT_LOG", RuleOwner.None)]
    [InlineData("docker", RuleOwner.None)]
    [InlineData("MY-KUBE-RULES", RuleOwner.None)]
    public void A_chain_is_known_by_its_name(string name, RuleOwner owner)
    {
        Ruleset ruleset = RulesetReader.Read($"*nat\n:POSTROUTING ACCEPT [0:0]\n:{name} - [0:0]\n-A POSTROUTING -j {name}\n-A {name} -j RETURN\nCOMMIT\n");
        Assert.Equal((owner, owner, owner), (Find(ruleset, name).Owner, Find(ruleset, "POSTROUTING").Rules[0].Owner, Find(ruleset, name).Rules[0].Owner));
        Assert.Equal(RuleOwner.None, Find(ruleset, "POSTROUTING").Owner);
    }

    [Fact]
    public void Zone_chains_are_firewallds_beside_its_fixed_chains()
    {
        Ruleset ruleset = RulesetReader.Read("*nat\n:POSTROUTING ACCEPT [0:0]\n:POSTROUTING_ZONES - [0:0]\n:POST_public - [0:0]\n:POST_public_allow - [0:0]\n:MINE - [0:0]\nCOMMIT\n");
        Assert.Equal(
            [RuleOwner.None, RuleOwner.Firewalld, RuleOwner.Firewalld, RuleOwner.Firewalld, RuleOwner.None],
            ruleset.TableList[0].Chains.Select(chain => chain.Owner));
    }

    [Fact]
    public void Shorewall_owns_what_nobody_else_does_where_it_has_run()
    {
        Ruleset ruleset = RulesetReader.Read("*nat\n:POSTROUTING ACCEPT [0:0]\n:eth0_masq - [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:net-fw - [0:0]\n:shorewall - [0:0]\n:f2b-sshd - [0:0]\nCOMMIT\n");
        Assert.Equal(
            [RuleOwner.None, RuleOwner.Shorewall, RuleOwner.None, RuleOwner.Shorewall, RuleOwner.Shorewall, RuleOwner.Fail2ban],
            ruleset.TableList.SelectMany(table => table.Chains).Select(chain => chain.Owner));
    }

    [Theory]
    [InlineData("-A INPUT -p tcp -m tcp --dport 4118 -j ACCEPT", RuleOwner.SecurityAgent)]
    [InlineData("-A INPUT -p tcp -m tcp --dport 4119 -j DROP", RuleOwner.None)]
    [InlineData("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", RuleOwner.None)]
    public void The_agents_own_port_rules_are_known(string rule, RuleOwner owner) =>
        Assert.Equal(owner, Assert.Single(RulesetReader.Read($"*filter\n{rule}\nCOMMIT\n").Rules).Owner);

    [Fact]
    public void Docker_masquerades_in_a_built_in_chain_and_leaves_a_chain_to_the_administrator()
    {
        Ruleset ruleset = RulesetReader.Read(
            "*nat\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n-A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE\n-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE\nCOMMIT\n"
            + "*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -s 10.0.0.0/8 -j DROP\n-A DOCKER-USER -j RETURN\nCOMMIT\n");
        Assert.Equal(
            [RuleOwner.Docker, RuleOwner.Docker, RuleOwner.None, RuleOwner.Docker, RuleOwner.None, RuleOwner.Docker],
            ruleset.Rules.Select(rule => rule.Owner));
    }

    private static Chain Find(Ruleset ruleset, string chain) => ruleset.TableList[0].Chains.Find(chain)!;
}
