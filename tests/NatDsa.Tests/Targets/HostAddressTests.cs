using NatDsa.Targets;
using Xunit;

namespace NatDsa.Tests.Targets;

public sealed class HostAddressTests
{
    [Theory]
    [InlineData("nat01", "nat01", null, null)]
    [InlineData(" nat01 ", "nat01", null, null)]
    [InlineData("root@nat01:2222", "nat01", "root", 2222)]
    [InlineData("DOMAIN\\me@nat01", "nat01", "DOMAIN\\me", null)]
    [InlineData("me@example.org@nat01", "nat01", "me@example.org", null)]
    [InlineData("a%40b@nat01", "nat01", "a%40b", null)]
    [InlineData("prod/nat01", "prod/nat01", null, null)]
    [InlineData("ホスト.example", "ホスト.example", null, null)]
    [InlineData("192.0.2.1:22", "192.0.2.1", null, 22)]
    [InlineData("[nat01]:22", "nat01", null, 22)]
    public void A_host_is_read_as_sshs_users_write_it(string text, string host, string? user, int? port) =>
        Assert.Equal(new HostAddress(host, user, port), Read(text));

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::1", null, null)]
    [InlineData("[2001:db8::1]:22", "2001:db8::1", null, 22)]
    [InlineData("[::1]:22", "::1", null, 22)]
    [InlineData("root@[2001:db8::1]", "2001:db8::1", "root", null)]
    [InlineData("fe80::1%eth0", "fe80::1%eth0", null, null)]
    [InlineData("root@[fe80::1%eth0]:22", "fe80::1%eth0", "root", 22)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.1", null, null)]
    public void An_IPv6_address_can_have_a_zone_and_a_port(string text, string host, string? user, int? port) =>
        Assert.Equal(new HostAddress(host, user, port), Read(text));

    [Theory]
    [InlineData("ssh://root@nat01:22", "nat01", "root", 22)]
    [InlineData("SSH://nat01", "nat01", null, null)]
    [InlineData("ssh://nat01/", "nat01", null, null)]
    [InlineData("ssh://root@nat01:22/", "nat01", "root", 22)]
    [InlineData("ssh://me%40example.org@nat01", "nat01", "me@example.org", null)]
    [InlineData("ssh://CORP%5Cme@nat01", "nat01", "CORP\\me", null)]
    [InlineData("ssh://[::1]:22", "::1", null, 22)]
    [InlineData("ssh://root@[fe80::1%25eth0]:22/", "fe80::1%eth0", "root", 22)]
    [InlineData("ssh://root@[fe80::1%eth0]", "fe80::1%eth0", "root", null)]
    public void A_host_is_read_as_an_address_of_ssh(string text, string host, string? user, int? port) =>
        Assert.Equal(new HostAddress(host, user, port), Read(text));

    [Theory]
    [InlineData("")]
    [InlineData("@nat01")]
    [InlineData("root@")]
    [InlineData(":22")]
    [InlineData("nat01:")]
    [InlineData("nat01:0")]
    [InlineData("nat01:65536")]
    [InlineData("nat01:ssh")]
    [InlineData("nat01:+22")]
    [InlineData("nat01:22:33")]
    [InlineData("nat01/")]
    [InlineData("nat01:22/")]
    [InlineData("//nat01")]
    [InlineData("nat01,nat02")]
    [InlineData("-oProxyCommand=reboot")]
    [InlineData("root@-oProxyCommand=reboot")]
    [InlineData("-oProxyCommand=reboot@nat01")]
    [InlineData("`reboot`")]
    [InlineData("$(reboot)")]
    [InlineData("nat01;reboot")]
    [InlineData("nat01 reboot")]
    [InlineData("nat01\nreboot")]
    [InlineData("ro ot@nat01")]
    [InlineData("root:password@nat01")]
    public void What_is_no_host_is_refused(string text) => Refuse(text);

    [Theory]
    [InlineData("[::1")]
    [InlineData("::1]")]
    [InlineData("[::1]22")]
    [InlineData("[]:22")]
    [InlineData("[::1]:22:33")]
    [InlineData("::1::2")]
    [InlineData("2001:db8::g")]
    [InlineData("fe80::1%")]
    [InlineData("fe80::1%eth 0")]
    [InlineData("[fe80::1%eth0;reboot]")]
    [InlineData("nat01%eth0")]
    public void What_is_no_IPv6_address_is_refused(string text) => Refuse(text);

    [Theory]
    [InlineData("ssh://")]
    [InlineData("ssh:///")]
    [InlineData("ssh://@nat01")]
    [InlineData("ssh://root@")]
    [InlineData("ssh://nat01/etc/passwd")]
    [InlineData("ssh://nat01:22//")]
    [InlineData("ssh://nat01?x=y")]
    [InlineData("ssh://nat01#x")]
    [InlineData("ssh://root:password@nat01")]
    [InlineData("ssh://root%3Apassword@nat01")]
    [InlineData("ssh://ro%0Aot@nat01")]
    [InlineData("ssh://ro%ot@nat01")]
    [InlineData("ssh://ro%4")]
    [InlineData("ssh://ro%4@nat01")]
    [InlineData("ssh://nat%3001")]
    [InlineData("ssh:nat01")]
    [InlineData("http://nat01")]
    [InlineData("http://root@nat01:22")]
    [InlineData("sftp://root@nat01")]
    public void What_says_more_than_where_a_host_is_is_refused(string text) => Refuse(text);

    private static HostAddress Read(string text)
    {
        Assert.True(HostAddress.TryRead(text, out HostAddress address));
        return address;
    }

    private static void Refuse(string text) => Assert.False(HostAddress.TryRead(text, out _));
}
