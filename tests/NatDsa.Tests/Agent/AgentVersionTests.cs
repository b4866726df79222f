using NatDsa.Agent;
using Xunit;

namespace NatDsa.Tests.Agent;

public sealed class AgentVersionTests
{
    [Theory]
    [InlineData("9.5.3-2754.el6", "9.5.3.2754")]
    [InlineData("10.0.0-2775.el7", "10.0.0.2775")]
    [InlineData("20.0.0.5137", "20.0.0.5137")]
    [InlineData("20.0.0-5137", "20.0.0.5137")]
    [InlineData("1:20.0.0.5137", "20.0.0.5137")]
    [InlineData("12.5", "12.5")]
    public void A_version_is_read_as_rpm_dpkg_and_dsa_query_write_it(string text, string version) =>
        Assert.Equal(Version.Parse(version), AgentVersion.Read(text));

    [Theory]
    [InlineData("")]
    [InlineData("package ds_agent is not installed")]
    [InlineData("10")]
    [InlineData("99999999999.1")]
    public void What_is_no_version_is_not_guessed_at(string text) => Assert.Null(AgentVersion.Read(text));
}
