using Xunit;

namespace NatDsa.LabTests;

/// <summary>The incident of the article, from a working NAT host to a repaired one, with real packets.</summary>
public sealed class ArticleTests
{
    private const string NoLab = "this machine can't raise labs: see Lab.WhyNot";

    // The PowerShell engine's own, where it runs on the host.
    private static readonly string[] s_engineFiles = ["/root/.cache", "/root/.local"];

    /// <summary>How a host is reached does not depend on who runs its services: each way has two of them.</summary>
    [Theory(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    [InlineData(LabFlavor.SysV, LabBackend.Nft, "Session")]
    [InlineData(LabFlavor.SysV, LabBackend.Legacy, "Local")]
    [InlineData(LabFlavor.Debian, LabBackend.Nft, "ComputerName")]
    [InlineData(LabFlavor.Debian, LabBackend.Legacy, "HostName")]
    [InlineData(LabFlavor.Systemd, LabBackend.Nft, "HostName")]
    [InlineData(LabFlavor.Systemd, LabBackend.Legacy, "ComputerName")]
    [InlineData(LabFlavor.Rhel7, LabBackend.Nft, "Local")]
    [InlineData(LabFlavor.Rhel7, LabBackend.Legacy, "Session")]
    public async Task An_erased_host_is_repaired_and_stays_so(LabFlavor flavor, LabBackend backend, string target)
    {
        await using Lab lab = await Lab.RaiseAsync(new LabOptions(flavor, backend), TestContext.Current.CancellationToken);
        using var shell = new LabShell(lab);
        Assert.True((await lab.FetchAsync()).Answered);
        await lab.InstallAgentAsync();
        await lab.SetModuleAsync("firewall", true);
        Assert.False((await lab.FetchAsync()).Answered);

        Assert.Equal("Erased", await AskAsync(lab, shell, target, "(Get-NatIptablesState TARGET).Status"));
        Assert.Equal("ErasesOnNextStart", await AskAsync(lab, shell, target, "(Get-DsaAgentState TARGET).Risk"));

        LabSnapshot before = await lab.Nat.SnapshotAsync();
        await AskAsync(lab, shell, target, "Repair-DsaNatHost TARGET -WhatIf");
        Assert.Equal("", before.DifferenceTo(await lab.Nat.SnapshotAsync(), s_engineFiles));

        // A local run has no way to the client but the inside one.
        string verify = target switch
        {
            "Local" => "",
            "Session" => "-VerifyFrom $client.Session -VerifyUri http://www.example.com/page",
            _ => $"-VerifyFrom {lab.Client.Address}:{lab.Port} -VerifyUri http://www.example.com/page",
        };
        Assert.Equal("Done", await AskAsync(lab, shell, target, $"(Repair-DsaNatHost TARGET {verify} -Confirm:0).Outcome"));
        Assert.True((await lab.FetchAsync()).Answered);

        for (int restart = 0; restart < 3; restart++)
            await lab.RestartAgentAsync();
        Assert.True((await lab.FetchAsync()).Answered);
        Assert.Equal("Protected", await AskAsync(lab, shell, target, "(Get-DsaAgentState TARGET).Risk"));

        LabSnapshot repaired = await lab.Nat.SnapshotAsync();
        Assert.Equal("NothingToDo", await AskAsync(lab, shell, target, "(Repair-DsaNatHost TARGET -Confirm:0).Outcome"));
        Assert.Equal("", repaired.DifferenceTo(await lab.Nat.SnapshotAsync(), s_engineFiles));

        shell.Dispose();
        await lab.RebootNatAsync();
        Assert.True((await lab.FetchAsync()).Answered);
    }

    [Fact(Skip = NoLab, SkipUnless = nameof(Lab.CanBeRaised), SkipType = typeof(Lab))]
    public async Task With_the_marker_first_nothing_is_ever_erased()
    {
        await using Lab lab = await Lab.RaiseAsync(cancellationToken: TestContext.Current.CancellationToken);
        using var shell = new LabShell(lab);
        Assert.Equal("True", await AskAsync(lab, shell, "Local", "(Set-DsaMarkerFile -PassThru TARGET).Sufficient"));
        await lab.InstallAgentAsync();
        await lab.SetModuleAsync("firewall", true);
        await lab.RestartAgentAsync();
        Assert.True((await lab.FetchAsync()).Answered);
        Assert.Equal("Protected", await AskAsync(lab, shell, "Local", "(Get-DsaAgentState TARGET).Risk"));
    }

    /// <summary>
    /// Runs a command with TARGET filled in, and returns what it printed: on the host itself, over a session that stays open, or by
    /// PowerShell on this machine, as an administrator would type it.
    /// </summary>
    private static async Task<string> AskAsync(Lab lab, LabShell shell, string target, string command)
    {
        switch (target)
        {
            case "Local":
                return (await lab.Nat.PwshAsync(command.Replace("TARGET", ""))).EnsureSucceeded().Output.Trim();
            case "Session" or "ComputerName":
                var ssh = $"-ComputerName {lab.Nat.Address} -Port {lab.Port} -UserName root -KeyFile '{lab.KeyFilePath}' -KnownHostsPath '{lab.KnownHostsPath}'";
                var answer = await shell.RunAsync(command.Replace("TARGET", target == "Session" ? "@nat" : ssh));
                Assert.True(answer.Errors.Count == 0, answer.ToString());
                return string.Join('\n', answer.Output);
            default:
                var remoting = $"-HostName {lab.Nat.Address} -Port {lab.Port} -UserName root -KeyFilePath '{lab.KeyFilePath}' "
                    + $"-Options @{{UserKnownHostsFile = '{lab.KnownHostsPath}'}}";
                var result = await LabCommand.RunAsync(
                    LabPwsh.Here(command.Replace("TARGET", remoting)),
                    null, TimeSpan.FromSeconds(90), TestContext.Current.CancellationToken);
                return result.EnsureSucceeded().Output.Trim();
        }
    }
}
