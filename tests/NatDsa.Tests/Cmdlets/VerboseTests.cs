using System.Text.RegularExpressions;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What -Verbose tells of each host, for every cmdlet that reaches one.</summary>
public sealed partial class VerboseTests : IDisposable
{
    private const string All = "read rules, persisted, marker, agent, change";

    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("Get-NatIptablesState", "read rules")]
    [InlineData("Get-NatIptablesRule", "read rules")]
    [InlineData("Compare-NatIptablesState -Persisted", "read rules, persisted")]
    [InlineData("Get-DsaAgentState", "read marker, agent")]
    [InlineData("Test-DsaMarkerFile", "read marker, agent")]
    [InlineData("Set-DsaMarkerFile", "create /etc/use_dsa_with_iptables")]
    [InlineData("Remove-DsaMarkerFile -Confirm:0", "remove /etc/use_dsa_with_iptables")]
    [InlineData("Test-NatEgress -Uri http://a.example/x", "ask for http://a.example/x")]
    [InlineData("Repair-DsaNatHost -Confirm:0", All, "begin the change ")]
    [InlineData("Protect-DsaNatHost -Confirm:0", All, "begin the change ")]
    [InlineData("Backup-NatIptablesState -Force", "read rules, persisted")]
    [InlineData("Restore-NatIptablesState", All, "read the newest good backup")]
    public void Each_run_on_a_host_is_told(string command, params string[] requests)
    {
        var host = new ToldHost();
        ModuleSession.Answer answer = _module.Run($"$input | {command} -Verbose", host.Record);
        string[] told = [.. answer.Shell.Streams.Verbose
            .Select(record => record.Message)
            .Where(message => Told().IsMatch(message))];
        Assert.Equal(host.Runs, told.Length);
        Assert.All(requests, request => Assert.Contains(
            told, line => line.StartsWith($"nat01: {request}", StringComparison.Ordinal)));
        Assert.All(told, (line, i) => Assert.EndsWith(
            i == 0 ? "(new connection)" : "(kept connection)", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_run_that_failed_is_told_too()
    {
        ModuleSession.Answer answer = _module.Run(
            "$nobody = [pscredential]::new('nobody', [securestring]::new());"
            + "Get-DsaAgentState 127.0.0.1:1 -Credential $nobody -Verbose");
        Assert.Matches(
            @"^127\.0\.0\.1:1: read marker, agent: failed after \d+\.\d\d s over ssh nobody@127\.0\.0\.1:1$",
            Assert.Single(answer.Shell.Streams.Verbose).Message);
    }

    [Fact]
    public void Seconds_have_a_point_in_every_language()
    {
        ModuleSession.Answer answer = _module.Run(
            "[cultureinfo]::CurrentCulture = 'de-DE'; $input | Get-NatIptablesState -Verbose", new ToldHost().Record);
        Assert.Matches(Told(), Assert.Single(answer.Shell.Streams.Verbose).Message);
    }

    [GeneratedRegex(@"^nat01: .+ in \d+\.\d\d s over nowhere \((new|kept) connection\)$")]
    private static partial Regex Told();
}
