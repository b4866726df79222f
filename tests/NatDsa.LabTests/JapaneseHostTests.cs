using Xunit;

namespace NatDsa.LabTests;

/// <summary>A host whose programs speak Japanese, as the one of the article did.</summary>
public sealed class JapaneseHostTests
{
    [Fact(Skip = "this machine can't raise labs: see Lab.WhyNot", SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task The_article_replayed_in_its_own_language()
    {
        var options = new LabOptions { Locale = "ja_JP.UTF-8", Rules = "article" };
        await using var lab = await Lab.RaiseAsync(options, TestContext.Current.CancellationToken);
        using var shell = new LabShell(lab);

        var working = await StatusAsync();
        Assert.StartsWith("テーブル: nat\n", working, StringComparison.Ordinal);
        Assert.Equal(NatStatus.Healthy, (await ReadAsync(working)).Status);
        Assert.Equal(["LOG", "MASQUERADE"], (await ReadAsync(working)).Rulesets.Single().Rules.Select(rule => rule.Target));

        await lab.BreakAsync();
        Assert.False((await lab.FetchAsync()).Answered);
        Assert.Equal(NatStatus.Erased, (await ReadAsync(await StatusAsync())).Status);
        Assert.Equal(NatStatus.Erased, (await shell.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>().Status);

        var repair = (await shell.RunAsync("Repair-DsaNatHost @nat -VerifyFrom $client.Session -VerifyUri http://www.example.com/ -Confirm:0")).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, DsaRisk.Protected), (repair.Outcome, repair.RiskAfter));
        Assert.Equal(System.Net.HttpStatusCode.MovedPermanently, repair.Egress?.StatusCode);

        for (var restart = 0; restart < 3; restart++)
            await lab.RestartAgentAsync();
        Assert.True((await lab.FetchAsync()).Answered);
        Assert.Equal(NatStatus.Healthy, (await ReadAsync(await StatusAsync())).Status);
        Assert.Equal(ChangeOutcome.NothingToDo, (await shell.RunAsync("Repair-DsaNatHost @nat -Confirm:0")).Only<RepairResult>().Outcome);

        // PowerShell on the host itself, in that language.
        var local = (await lab.Nat.PwshAsync("Get-NatIptablesState")).EnsureSucceeded().Output;
        Assert.Contains("Healthy", local, StringComparison.Ordinal);

        await lab.Nat.ShellAsync("service iptables stop; nft flush ruleset; rm -f /var/lock/subsys/iptables");
        var stopped = await StatusAsync();
        Assert.Equal("iptables: ファイアウォールが稼働していません。\n", stopped);
        Assert.Equal(NatStatus.Erased, (await ReadAsync(stopped)).Status);

        async Task<string> StatusAsync() => (await lab.Nat.ExecAsync("/etc/rc.d/init.d/iptables", "status")).Output;

        async Task<NatIptablesState> ReadAsync(string text) =>
            (await shell.RunAsync($"@'\n{text}\n'@ -split \"\\n\" | Get-NatIptablesState")).Only<NatIptablesState>();
    }
}
