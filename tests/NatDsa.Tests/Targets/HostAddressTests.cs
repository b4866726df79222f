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
    [InlineData("2001:db8::1", "2001:db8::1", null, null)]
    [InlineData("[2001:db8::1]:22", "2001:db8::1", null, 22)]
    [InlineData("root@[2001:db8::1]", "2001:db8::1", "root", null)]
    public void A_host_is_read_as_sshs_users_write_it(string text, string host, string? user, int? port)
    {
        Assert.True(HostAddress.TryRead(text, out HostAddress address));
        Assert.Equal(new HostAddress(host, user, port), address);
    }

    [Theory]
    [InlineData("")]
    [InlineData("@nat01")]
    [InlineData("root@")]
    [InlineData("nat01:0")]
    [InlineData("nat01:65536")]
    [InlineData("nat01:ssh")]
    [InlineData("-oProxyCommand=reboot")]
    [InlineData("root@-oProxyCommand=reboot")]
    [InlineData("nat01 reboot")]
    [InlineData("nat01\nreboot")]
    public void What_is_no_host_is_refused(string text) => Assert.False(HostAddress.TryRead(text, out _));
}
