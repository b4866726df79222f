using NatDsa.Ssh;
using NatDsa.Targets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>How a host is reached: what a parameter says wins over what ssh's configuration says.</summary>
public sealed class SshWayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-way-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    // Nothing is said.
    [InlineData("", "nat01", null, 0, "ME@nat01")]
    [InlineData("User bob\nPort 23", "nat01", null, 0, "bob@nat01:23")]
    [InlineData("User bob\nPort 23", "nat01", "root", 24, "root@nat01:24")]
    [InlineData("User bob\nPort 23", "admin@nat01:25", "root", 24, "admin@nat01:25")]
    [InlineData("HostName 10.0.0.1\nPort 23", "nat01", "root", 0, "root@nat01 (10.0.0.1:23)")]
    [InlineData("HostName fe80::1\nPort 23", "nat01", "root", 0, "root@nat01 ([fe80::1]:23)")]
    [InlineData("HostName %h.example.com", "NAT01", "root", 0, "root@NAT01 (nat01.example.com)")]
    [InlineData("Match user root\n Port 23", "nat01", "root", 0, "root@nat01:23")]
    public void The_name_comes_before_the_parameter_and_that_before_the_configuration(
        string text, string name, string? user, int port, string server) =>
        Assert.Equal(
            server.Replace("ME", Environment.UserName, StringComparison.Ordinal),
            To(name, Way(text, user, port)).Server.ToString());

    [Theory]
    [InlineData("", null, "nat01")]
    [InlineData("Host nat01\n ProxyJump a", null, "nat01 a")]
    [InlineData("Host nat01\n ProxyJump u@a:33,b\nHost a\n ProxyJump c", null, "nat01 b u@a:33 c")]
    [InlineData("Host nat01\n ProxyJump a,b\nHost b\n ProxyJump c", null, "nat01 b a")]
    [InlineData("Host nat01\n ProxyJump a\nHost b\n User bob\n Port 24", "b", "nat01 bob@b:24")]
    [InlineData("Host nat01\n ProxyJump a", "none", "nat01")]
    [InlineData("Host nat01\n ProxyCommand nc %h %p", "a,b", "nat01 b a")]
    [InlineData("Host *\n ProxyJump none", null, "nat01")]
    public void Hosts_are_gone_through_in_the_order_in_which_ssh_does(string text, string? jump, string hosts)
    {
        var through = new List<string>();
        SshRoute? route = To("nat01", Way(text, "root", jump: jump));
        for (; route is not null; route = route.Access.JumpHost)
            through.Add(route.Server.ToString().Replace("root@", "", StringComparison.Ordinal));
        Assert.Equal(hosts.Split(' '), through);
    }

    [Theory]
    [InlineData("Host *\n ProxyJump bastion")]
    [InlineData("Host nat01\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a")]
    [InlineData("ProxyJump a,b,c,d,e,f,g,h,i")]
    [InlineData("ProxyJump a,,b")]
    [InlineData("ProxyJump a;b")]
    public void A_circle_of_jump_hosts_and_one_that_is_none_are_errors_with_their_line(string text)
    {
        SshConfigException error = Assert.Throws<SshConfigException>(() => To("nat01", Way(text)));
        Assert.Matches(@"config:\d+: ", error.Message);
    }

    [Theory]
    [InlineData("", null, null, false)]
    [InlineData("IdentityFile /k/%h\nIdentityFile /k/b\nIdentitiesOnly yes", null, "/k/nat01 /k/b", true)]
    [InlineData("IdentityFile none", null, "", false)]
    [InlineData("IdentityFile /k/a", "/k/mine", null, false)]
    [InlineData("Match exec false\n IdentityFile /k/a", "/k/mine", null, false)]
    public void Keys_are_those_of_the_configuration_unless_one_is_given(
        string text, string? key, string? identities, bool isOnly)
    {
        SshLogin login = To("nat01", Way(text, key: key)).Access.Login;
        Assert.Equal(identities?.Split(' ', StringSplitOptions.RemoveEmptyEntries), login.Identities);
        Assert.Equal(isOnly, login.IdentitiesOnly);
    }

    [Fact]
    public void A_jump_host_is_tried_with_the_given_key_and_with_its_own()
    {
        SshRoute route = To("nat01", Way("Host bastion\n IdentityFile /k/bastion", key: "/k/mine", jump: "bastion"));
        Assert.Null(route.Access.Login.Identities);
        Assert.Equal(["/k/bastion"], route.Access.JumpHost!.Access.Login.Identities);
    }

    [Theory]
    [InlineData("none", null)]
    [InlineData("/run/agent", "/run/agent")]
    [InlineData("$NO_SUCH_VARIABLE_HERE", null)]
    [InlineData("/run/%u", "/run/ME")]
    public void The_agent_is_the_one_that_is_named(string named, string? address) =>
        Assert.Equal(
            address?.Replace("ME", Environment.UserName, StringComparison.Ordinal),
            To("nat01", Way($"IdentityAgent {named}")).Access.Login.Agent?.Address);

    [Theory]
    [InlineData("UserKnownHostsFile /k/a /k/b", null, "/k/a")]
    [InlineData("UserKnownHostsFile /k/a", "/k/mine", "/k/mine")]
    [InlineData("UserKnownHostsFile none\nGlobalKnownHostsFile /k/all", null, "/k/all")]
    public void Known_hosts_are_those_of_the_configuration_unless_a_file_is_given(
        string text, string? path, string first) =>
        Assert.Equal(first, To("nat01", Way(text, known: path)).Access.KnownHosts.Path);

    [Theory]
    [InlineData("", "admin@client:2222")]
    [InlineData("Host client\n HostName 10.0.0.9\n User bob\n Port 24", "bob@client (10.0.0.9:24)")]
    [InlineData("Host nat01\n User bob\n Port 24", "admin@client:2222")]
    public void Another_host_is_reached_as_the_first_unless_the_configuration_knows_better(string text, string server)
    {
        Assert.True(HostAddress.TryRead("admin@nat01:2222", out HostAddress nat));
        Assert.Equal(server, To("client", Way(text) with { Like = nat }).Server.ToString());
    }

    private static SshRoute To(string name, SshWay way)
    {
        Assert.True(HostAddress.TryRead(name, out HostAddress address));
        return way.RouteTo(address);
    }

    private SshWay Way(
        string text, string? user = null, int port = 0, string? key = null, string? known = null, string? jump = null)
    {
        string file = Path.Combine(_folder, "config");
        File.WriteAllText(file, text);
        var parameters = new SshParameters { Configuration = new SshConfigFiles(file, Path.Combine(_folder, "none")) };
        return parameters.Way(user, port, null, key, known, acceptNewHostKey: false, jump);
    }
}
