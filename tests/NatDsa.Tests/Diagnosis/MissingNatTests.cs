using System.Text;
using NatDsa.Netfilter;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Diagnosis;

/// <summary>
/// Source NAT that a host is known to need and that does not run: when that is said, and when it must not be.
/// </summary>
public sealed class MissingNatTests
{
    private const string SysV = "systemd=no\nscript.iptables=/etc/rc.d/init.d/iptables\n";
    private const string Docker = "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE";
    private const string Clients = "-s 10.0.1.0/24 -o eth0 -j MASQUERADE";

    private static readonly string[] s_chains =
        ["DOCKER", "LIBVIRT_PRT", "KUBE-POSTROUTING", "POSTROUTING_ZONES", "OUT"];

    [Theory]
    // What Docker, libvirt and Kubernetes make for themselves.
    [InlineData(Docker, Clients)]
    [InlineData("-j LIBVIRT_PRT\n-A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE", Clients)]
    [InlineData("-j KUBE-POSTROUTING\n-A KUBE-POSTROUTING -j MASQUERADE --random-fully", Clients)]
    // Another network, another interface, part of the network, part of its packets.
    [InlineData("-s 10.0.2.0/24 -o eth0 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth1 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.128/25 -o eth0 -j MASQUERADE", Clients)]
    [InlineData("! -s 10.0.0.0/16 -o eth0 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth0 -p udp -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth0 -p tcp -m tcp --dport 80 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -d 192.0.2.0/24 -o eth0 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth0 -m mark --mark 0x1 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth0 -j NETMAP --to 192.0.2.0/24", Clients)]
    [InlineData(Clients, "-o eth0 -j MASQUERADE")]
    // One of two.
    [InlineData(Clients, Clients + "\n-A POSTROUTING -s 10.0.2.0/24 -o eth0 -j MASQUERADE")]
    public void Persisted_source_NAT_that_does_not_run_is_missed(string running, string persisted)
    {
        NatIptablesState state = Read(Nat(running), Nat(persisted));
        Assert.Equal(NatStatus.Incomplete, state.Status);
        Assert.Contains("/etc/sysconfig/iptables has source NAT for ", state.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(state.SourceNatRules);
    }

    [Theory]
    // The same but for counters, order, and the way to write it.
    [InlineData(Clients + "\n-A POSTROUTING " + Docker, Docker + "\n-A POSTROUTING " + Clients)]
    [InlineData("-s 10.0.1.0/24 -o eth0 -j MASQUERADE", "--out-interface eth0 --source 10.0.1.7/24 --jump MASQUERADE")]
    [InlineData("-s 10.0.1.0/24 -o eth0 -p tcp -m tcp --dport 80 -j MASQUERADE",
        "-s 10.0.1.0/24 -o eth0 -p tcp --dport 80 -j MASQUERADE")]
    // As wide, or wider.
    [InlineData("-j MASQUERADE", Clients)]
    [InlineData("-s 10.0.0.0/16 -j MASQUERADE", Clients)]
    [InlineData("-s 10.0.0.0/16 -o eth+ -j MASQUERADE", Clients)]
    [InlineData("! -o docker0 -j MASQUERADE", Clients)]
    [InlineData("-o eth0 -m comment --comment \"by hand\" -j MASQUERADE", Clients)]
    [InlineData("-o eth0 ! -d 10.0.0.0/8 -j MASQUERADE", Clients)]
    [InlineData("-o eth0 -m policy --dir out --pol none -j MASQUERADE", Clients)]
    [InlineData("-o eth0 -j OUT\n-A OUT -s 10.0.0.0/8 -j MASQUERADE", Clients)]
    // To another of the host's addresses.
    [InlineData("-s 10.0.1.0/24 -o eth0 -j SNAT --to-source 192.0.2.1", Clients)]
    // What is an owner's, or not known, is not missed.
    [InlineData(Clients, Clients + "\n-A POSTROUTING " + Docker)]
    [InlineData(Clients, "-s client.lan -o eth0 -j MASQUERADE")]
    [InlineData(Clients, Clients + "\n-A POSTROUTING -s 10.9.0.0/16 -j NONSENSE --x")]
    [InlineData(Clients, "-s 10.9.0.0/16 -j MASQUERADE\n-A")]
    [InlineData(Clients, "-o eth0 -j ACCEPT")]
    // Beside a firewall the file is left over from before.
    [InlineData("-s 172.16.0.0/12 -o eth0 -j MASQUERADE\n-A POSTROUTING -j POSTROUTING_ZONES", Clients)]
    public void Source_NAT_that_runs_in_whatever_way_is_not_missed(string running, string persisted) =>
        Assert.Equal(NatStatus.Healthy, Read(Nat(running), Nat(persisted)).Status);

    [Fact]
    public void A_file_that_no_service_loads_tells_nothing() =>
        Assert.Equal(NatStatus.Healthy, Read(Nat(Docker), Nat(Clients), service: "systemd=yes\n").Status);

    [Fact]
    public void A_host_that_could_not_be_read_whole_is_not_incomplete()
    {
        Answer answer = Answer.OfLinux()
            .With("save.iptables-nft", Nat(Docker))
            .With("save.iptables-legacy", "", 1, "no")
            .With("service", SysV).With("file./etc/sysconfig/iptables", Nat(Clients));
        Assert.Equal(NatStatus.Healthy, NatIptablesState.Read(answer.Snapshot()).Status);
    }

    [Fact]
    public void A_text_is_never_incomplete() =>
        Assert.Equal(NatStatus.Healthy, NatIptablesState.Of(RulesetReader.Read(Nat(Docker)), null).Status);

    [Theory]
    [InlineData(Docker, Clients, NatStatus.Incomplete)]
    [InlineData(Docker, Docker, NatStatus.Healthy)]
    // Somebody has made rules since.
    [InlineData("-s 10.0.2.0/24 -o eth0 -j MASQUERADE", Clients, NatStatus.Healthy)]
    public void Where_nothing_is_persisted_the_newest_good_backup_tells(string running, string kept, NatStatus status)
    {
        NatIptablesState state = NatIptablesState.Read(WithBackup(Nat(running), Nat(kept)).Snapshot());
        Assert.Equal(status, state.Status);
        if (status == NatStatus.Incomplete)
            Assert.Contains("-Backup 0123456789abcdef", state.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backup_that_is_damaged_tells_nothing()
    {
        Answer answer = WithBackup(Nat(Docker), Nat(Clients), digestOf: Nat(Docker));
        Assert.Equal(NatStatus.Healthy, NatIptablesState.Read(answer.Snapshot()).Status);
    }

    [Theory]
    [InlineData("table ip nat { chain p { oifname \"eth0\" masquerade } }", NatStatus.Incomplete)]
    [InlineData("table ip nat { chain DOCKER { } chain p { oifname \"eth0\" masquerade } }", NatStatus.Healthy)]
    [InlineData("# masquerade", NatStatus.Healthy)]
    public void NAT_of_nfts_own_is_missed_where_only_containers_have_some(string script, NatStatus status)
    {
        Answer answer = Answer.OfLinux().With("save.iptables-nft", Nat(Docker)).With("service", "systemd=yes\n")
            .With("file./etc/nftables.conf", script);
        Assert.Equal(status, NatIptablesState.Read(answer.Snapshot()).Status);
    }

    [Fact]
    public void What_is_in_place_is_said_with_whom_it_serves() =>
        Assert.StartsWith(
            "A source-NAT rule for 10.0.1.0/24 out of eth0 is in place (nat POSTROUTING 2 MASQUERADE)",
            Read(Nat(Docker + "\n-A POSTROUTING " + Clients), Nat(Clients)).Reason,
            StringComparison.Ordinal);

    private static string Nat(string rules) =>
        "*nat\n:POSTROUTING ACCEPT [0:0]\n"
        + string.Concat(Chains(rules).Select(chain => $":{chain} - [0:0]\n"))
        + $"-A POSTROUTING {rules}\nCOMMIT\n";

    // Docker has its chain wherever its rules are.
    private static IEnumerable<string> Chains(string rules) =>
        s_chains.Where(chain => chain == "DOCKER"
            ? rules.Contains("docker0", StringComparison.Ordinal)
            : (rules + "\n").Contains($"-j {chain}\n", StringComparison.Ordinal));

    private static NatIptablesState Read(string running, string persisted, string service = SysV) =>
        NatIptablesState.Read(Answer.OfLinux().With("save.iptables-nft", running).With("service", service)
            .With("file./etc/sysconfig/iptables", persisted).Snapshot());

    private static Answer WithBackup(string running, string kept, string? digestOf = null)
    {
        string digest = NatBackup.DigestOf(Encoding.UTF8.GetBytes(digestOf ?? kept));
        string manifest = "time=1600000000\nseen=1600000000\nnatdsa-backup=1\nid=0123456789abcdef\nhost=nat01\n"
            + $"status=Healthy\nforwarding=1\nfile=iptables-nft.rules {digest} {kept.Length} Running iptables-nft\n";
        return Answer.OfLinux().With("save.iptables-nft", running).With("service", SysV)
            .With("backup", "folder=/var/lib/natdsa/backups/0123456789abcdef\n").With("manifest", manifest)
            .With("backup.iptables-nft.rules", kept);
    }
}
