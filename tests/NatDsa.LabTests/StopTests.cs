using System.Globalization;
using System.Runtime.Versioning;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>
/// A cmdlet that is stopped, or whose host never answers, ends soon and leaves nothing behind, neither here nor on the host.
/// <c>dsa_query</c> hangs meanwhile: a probe that is left alone comes to its end after ten seconds only, by a SIGTERM that is written down.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class StopTests(SharedLab host) : IClassFixture<SharedLab>
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("@nat")]
    [InlineData("@natSsh")]
    public async Task A_stopped_cmdlet_leaves_nothing_running(string target)
    {
        await HangAsync();
        using var shell = new LabShell(host.Lab);
        await using (var running = await shell.StartAsync($"Get-DsaAgentState {target}"))
        {
            await host.Nat.UntilAsync("pgrep -f '[d]sa_query -c'", 30);
            await running.StopAsync().WaitAsync(s_limit, TestContext.Current.CancellationToken);
            Assert.True((await running.Answer).Stopped);
        }

        await UntilKilledAsync();
        if (target == "@nat")
        {
            // The session outlives the stop.
            Assert.Equal(NatStatus.Healthy, (await shell.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>().Status);
            return;
        }

        await UntilNoSshAsync();
        await host.Nat.UntilAsync("! pgrep -f '[p]wsh.dll -sshs'", 30);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_interrupted_PowerShell_leaves_nothing_running(bool local)
    {
        await HangAsync();
        var nat = host.Nat;
        const string Command = "Get-DsaAgentState";
        using var program = local
            ? nat.Start([LabPwsh.OnHost, .. LabPwsh.Arguments(Command)])
            : LabCommand.Start(LabPwsh.Here(
                $"{Command} -HostName {nat.Address} -Port {host.Lab.Port} -UserName root "
                + $"-KeyFilePath '{host.Lab.KeyFilePath}' "
                + $"-Options @{{UserKnownHostsFile = '{host.Lab.KnownHostsPath}'}}"));
        try
        {
            await host.Nat.UntilAsync("pgrep -f '[d]sa_query -c'", 30);
            if (local)
                await host.OnNatAsync("kill -INT $(pgrep -f '[p]wsh.dll -NoProfile')");
            else
                (await LabCommand.RunAsync(["kill", "-INT", program.Id.ToString(CultureInfo.InvariantCulture)], cancellationToken: TestContext.Current.CancellationToken)).EnsureSucceeded();
            await program.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_limit, TestContext.Current.CancellationToken);
            // As PowerShell ends a command that Ctrl+C has stopped.
            Assert.Equal(1, program.ExitCode);
        }
        finally
        {
            LabCommand.Kill(program);
        }

        await UntilKilledAsync();
        await host.Nat.UntilAsync("! pgrep -f '[p]wsh.dll -'", 30);
        await UntilNoSshAsync();
    }

    [Theory]
    [InlineData("iptables -I INPUT -p tcp --dport 22 -j DROP", "iptables -D INPUT -p tcp --dport 22 -j DROP")]
    [InlineData("kill -STOP $(pgrep -f '[s]shd.*listener')", "kill -CONT $(pgrep -f '[s]shd.*listener')")]
    public async Task A_host_that_never_lets_anybody_in_is_given_up(string silence, string end)
    {
        await host.RenewAsync();
        await host.OnNatAsync(silence);
        try
        {
            Assert.Equal("TimedOut", (await host.RunAsync("Get-NatIptablesState @natSsh -TimeoutSec 3")).ErrorId);
            await UntilNoSshAsync();
        }
        finally
        {
            await host.OnNatAsync(end);
        }
    }

    [Fact]
    public async Task A_session_that_never_answers_is_given_up()
    {
        await host.RenewAsync();
        using var shell = new LabShell(host.Lab);
        Assert.Equal(NatStatus.Healthy, (await shell.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>().Status);
        await host.OnNatAsync("kill -STOP $(pgrep -f '[p]wsh.dll -sshs')");
        try
        {
            Assert.Equal("TimedOut", (await shell.RunAsync("Get-NatIptablesState @nat -TimeoutSec 3")).ErrorId);
        }
        finally
        {
            await host.OnNatAsync("kill -CONT $(pgrep -f '[p]wsh.dll -sshs')");
        }
    }

    [Fact]
    public async Task A_session_whose_ssh_is_gone_is_told_as_unreachable_before_PowerShell_knows_it()
    {
        await host.RenewAsync();
        string folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;
        try
        {
            // This ssh reads what another process hands on. Stopped, and without that process, it is gone to whoever writes, and alive to whoever waits for its end.
            string ssh = Path.Combine(folder, "ssh");
            File.WriteAllText(ssh, $"""
                #!/bin/sh
                PATH=$PATH_WITHOUT_THIS
                mkfifo '{folder}/typed'
                exec 3<&0
                cat <&3 >'{folder}/typed' 3<&- &
                printf 'kill -STOP %d; kill -KILL %d; while readlink /proc/%d/fd/0 >/dev/null; do sleep 0.1; done' $$ $! $! >'{folder}/lose'
                printf 'rm -- %s; kill -KILL %d' '{folder}/end' $$ >'{folder}/end'
                exec 3<&-
                exec ssh "$@" <'{folder}/typed'
                """);
            File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var answer = await LabCommand.RunAsync(
                ["env", $"PATH_WITHOUT_THIS={Environment.GetEnvironmentVariable("PATH")}", .. LabPwsh.Here($$"""
                $session = New-PSSession -HostName {{host.Nat.Address}} -Port {{host.Lab.Port}} -UserName root -KeyFilePath '{{host.Lab.KeyFilePath}}' -Options @{UserKnownHostsFile = '{{host.Lab.KnownHostsPath}}'}
                [string] (Get-NatIptablesState -Session $session).Status
                [System.Diagnostics.Process]::Start('sh', '{{folder}}/lose').WaitForExit()
                Get-NatIptablesState -Session $session -ErrorAction SilentlyContinue -ErrorVariable failed
                $failed.FullyQualifiedErrorId
                """, folder)],
                cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal("Healthy\nTargetUnreachable,NatDsa.Cmdlets.GetNatIptablesState\n", answer.EnsureSucceeded().Output);
        }
        finally
        {
            await LabCommand.RunAsync(["sh", "-c", "test ! -e \"$1\" || sh \"$1\"", "sh", $"{folder}/end"], cancellationToken: CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task HangAsync()
    {
        await host.RenewAsync();
        await host.Lab.InstallAgentAsync();
        await host.Lab.SetFaultAsync("dsa-query", "hang");
        await host.OnNatAsync("rm -f /run/lab/dsa_query.signals");
    }

    private async Task UntilKilledAsync()
    {
        await host.Nat.UntilAsync("! pgrep -f '[d]sa_query -c'", 30);
        await host.OnNatAsync("test ! -e /run/lab/dsa_query.signals");
    }

    // An ssh of this process or of a PowerShell that it started has the host's address among its arguments.
    private async Task UntilNoSshAsync()
    {
        using var limit = new CancellationTokenSource(s_limit);
        while (Directory.EnumerateDirectories("/proc").Any(IsOurSsh))
            await Task.Delay(100, limit.Token);

        bool IsOurSsh(string process)
        {
            try
            {
                var arguments = File.ReadAllText($"{process}/cmdline").Split('\0');
                return Path.GetFileName(arguments[0]) == "ssh" && arguments.Contains(host.Nat.Address);
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
