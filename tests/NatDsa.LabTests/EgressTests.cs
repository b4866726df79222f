using System.Net;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>A request made on the host behind the NAT, with whatever that host can make one with.</summary>
public sealed class EgressTests(SharedLab host) : IClassFixture<SharedLab>
{
    private static readonly string[] s_tools = ["curl", "wget", "bash"];

    [Theory]
    [InlineData("curl")]
    [InlineData("wget")]
    [InlineData("bash")]
    public async Task Any_answer_is_a_pass_and_none_is_not(string tool)
    {
        await host.RenewAsync();
        await LeaveOnlyAsync(tool);

        foreach (var (page, status) in ((string, HttpStatusCode)[])[("/", HttpStatusCode.MovedPermanently), ("/page", HttpStatusCode.OK), ("/status/500", HttpStatusCode.InternalServerError)])
        {
            var answered = await AskAsync(page);
            Assert.Equal((true, status, tool), (answered.Succeeded, answered.StatusCode, answered.Tool));
            Assert.NotNull(answered.Duration);
            Assert.Equal(tool == "bash" ? null : "203.0.113.10", answered.Address);
        }

        var silent = await AskAsync("/silent", "-RequestTimeoutSec 2");
        Assert.Equal((false, (HttpStatusCode?)null), (silent.Succeeded, silent.StatusCode));
        Assert.False(await AnswersAsync("http://203.0.113.10:81/"));
        Assert.False(await AnswersAsync("http://no-such-name.example.com/"));
        await host.OnNatAsync("iptables -t nat -F");
        Assert.False(await AnswersAsync("http://www.example.com/page"));
    }

    [Fact]
    public async Task A_host_that_has_nothing_to_ask_with_is_an_error()
    {
        await host.RenewAsync();
        await LeaveOnlyAsync("");
        Assert.Equal("EgressFailed", (await host.RunAsync("Test-NatEgress @client -Uri http://www.example.com/page")).ErrorId);
    }

    [Fact]
    public async Task A_repair_whose_proof_fails_is_incomplete()
    {
        await host.BreakAsync();
        await LeaveOnlyAsync("curl");
        var answer = await host.RunAsync("Repair-DsaNatHost @nat -VerifyFrom $client.Session -VerifyUri http://203.0.113.10:81/ -Confirm:0");
        Assert.Equal("EgressFailed", answer.ErrorId);
        var repair = answer.Despite<RepairResult>();
        Assert.Equal(
            (ChangeOutcome.Incomplete, NatStatus.Healthy, false),
            (repair.Outcome, repair.After, repair.Egress?.Succeeded));
    }

    private async Task<NatEgressResult> AskAsync(string page, string more = "") =>
        (await host.RunAsync($"Test-NatEgress @client -Uri http://www.example.com{page} {more}")).Only<NatEgressResult>();

    private async Task<bool> AnswersAsync(string uri)
    {
        var quiet = (await host.RunAsync($"Test-NatEgress @client -Uri {uri} -RequestTimeoutSec 2 -Quiet")).Only<bool>();
        var asked = (await host.RunAsync($"Test-NatEgress @client -Uri {uri} -RequestTimeoutSec 2")).Only<NatEgressResult>();
        Assert.Equal(quiet, asked.Succeeded);
        Assert.NotEmpty(asked.Reason);
        return quiet;
    }

    // ssh starts a session by root's own shell, which is not always there.
    private async Task LeaveOnlyAsync(string tool)
    {
        (await host.Lab.Client.ShellAsync("sed -i 's|^\\(root:.*:\\)/bin/bash$|\\1/bin/sh|' /etc/passwd")).EnsureSucceeded();
        foreach (var one in s_tools)
        {
            var (from, to) = one == tool ? (".off", "") : ("", ".off");
            (await host.Lab.Client.ShellAsync($"test ! -e /usr/bin/{one}{from} || mv /usr/bin/{one}{from} /usr/bin/{one}{to}")).EnsureSucceeded();
        }
    }
}
