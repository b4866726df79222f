using System.Globalization;
using NatDsa.Probe;
using NatDsa.Targets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>
/// What a user has in <c>~/.ssh</c> serves -ComputerName, as it serves ssh: in a PowerShell with a home of its own.
/// </summary>
public sealed class OwnSettingsTests(SshHost host) : IClassFixture<SshHost>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_default_key_that_was_cut_off_is_one_warning_and_the_others_are_used()
    {
        string home = await HomeAsync("", ("openssh-ed25519", ".ssh/id_ed25519"), ("openssh-ecdsa", ".ssh/id_ecdsa"));
        string key = Path.Combine(home, ".ssh", "id_ed25519");
        string[] lines = await File.ReadAllLinesAsync(key, Cancellation);
        await File.WriteAllLinesAsync(key, [.. lines[..3], lines[^1]], Cancellation);
        string[] users = ["bash@127.0.0.1", "dash@127.0.0.1", "bash@[::1]"];
        string[] said = await RunAsync(home, [.. users.Select(user => $"{user}:{host.Port}")]);
        Assert.Equal(3, said.Count(l => l.StartsWith("answer ", StringComparison.Ordinal)));
        string warning = Assert.Single(said, l => l.StartsWith("warning ", StringComparison.Ordinal));
        Assert.Contains(key, warning, StringComparison.Ordinal);
        Assert.Equal(4, said.Length);
    }

    [Fact]
    public async Task The_configuration_of_ssh_says_where_a_host_is_and_how_it_is_reached()
    {
        string home = await HomeAsync(
            string.Create(CultureInfo.InvariantCulture, $$"""
            Include extra.d/*
            Host nat01
                HostName 127.0.0.1
                IdentityFile %d/keys/%r
            Host far
                HostName localhost
                User dash
                ProxyJump nat01,bash@second
            Host second
                HostName ::1
                IdentityFile ~/keys/bash
            Host odd
                HostName 127.0.0.1
            Match originalhost odd exec "true"
                Port 1
            Host command
                ProxyCommand nc %h %p
            Match host localhost user dash
                IdentityFile "~/keys/dash"
            Host alias
                HostName 127.0.0.1
                IdentityFile ~/keys/bash
                HostKeyAlias natgateway
                UserKnownHostsFile ~/aliased ~/known
            Host *
                Port {{host.Port}}
                User bash
                IdentitiesOnly yes
                UserKnownHostsFile ~/known
            """),
            ("openssh-ed25519", "keys/bash"), ("openssh-ecdsa", "keys/root"), ("openssh-rsa", "keys/dash"));
        Directory.CreateDirectory(Path.Combine(home, ".ssh", "extra.d"));
        await File.WriteAllTextAsync(
            Path.Combine(home, ".ssh", "extra.d", "a"),
            "Host third\n HostName 127.0.0.1\n IdentityFile ~/keys/bash\n",
            Cancellation);
        await File.WriteAllTextAsync(
            Path.Combine(home, "aliased"),
            $"natgateway {host.HostKey("ed25519")}\n[127.0.0.1]:{host.Port} {host.HostKey("rsa")}\n",
            Cancellation);
        string[] said = await RunAsync(home, "nat01", "root@nat01", "third", "far", "alias", "odd", "command");
        string config = Path.Combine(home, ".ssh", "config");
        Assert.Equal(
            ["answer alias", "answer far", "answer nat01", "answer root@nat01", "answer third"],
            said.Where(l => l.StartsWith("answer ", StringComparison.Ordinal)).Order());
        Assert.Equal(
            [$"error FileUnreadable {config}:17:", $"error FileUnreadable {config}:14:"],
            said.Where(l => l.StartsWith("error ", StringComparison.Ordinal))
                .Select(l => Part(l, config))
                .OrderDescending());
        Assert.Equal(7, said.Length);
        Assert.Contains("Accepted publickey for root", host.Log, StringComparison.Ordinal);

        static string Part(string line, string config)
        {
            int at = line.IndexOf(config, StringComparison.Ordinal);
            return "error " + line.Split(' ')[1] + " " + line[at..(at + config.Length + 4)];
        }
    }

    [Fact]
    public async Task A_refusal_tells_what_was_tried()
    {
        string home = await HomeAsync("", ("stranger", ".ssh/id_ed25519"), ("openssh-locked", ".ssh/id_ecdsa"));
        string said = Assert.Single(await RunAsync(home, $"bash@127.0.0.1:{host.Port}"));
        Assert.StartsWith("error AuthenticationFailed", said, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(home, ".ssh", "id_ed25519"), said, StringComparison.Ordinal);
        Assert.Contains($"not the key {Path.Combine(home, ".ssh", "id_ecdsa")}", said, StringComparison.Ordinal);
        Assert.Contains("no ssh-agent", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_tells_the_way_that_was_used()
    {
        string key = host.Key("openssh-ed25519");
        string jump = $"dash@localhost:{host.Port}";
        SshWay way = new SshParameters().Way("bash", host.Port, null, key, host.KnownHosts(), false, jump);
        Assert.True(HostAddress.TryRead("127.0.0.1", out HostAddress address));
        SshTarget target = way.To("nat01", address);
        using IDisposable held = target.Hold();
        var limits = new RunLimits(TimeSpan.FromSeconds(30));
        Assert.False((await target.RunAsync(HostScripts.Probe(ProbeSections.None), limits, Cancellation)).OverKept);
        Assert.True((await target.RunAsync(HostScripts.Probe(ProbeSections.None), limits, Cancellation)).OverKept);
        Assert.Contains($"bash@127.0.0.1:{host.Port} through {jump}", target.Way, StringComparison.Ordinal);
        Assert.Contains(key, target.Way, StringComparison.Ordinal);
        target.Drop();
    }

    private async Task<string> HomeAsync(string config, params (string Key, string Name)[] keys)
    {
        string home = Path.Combine(host.Folder, "home-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path.Combine(home, ".ssh"));
        Directory.CreateDirectory(Path.Combine(home, "keys"));
        foreach ((string key, string name) in keys)
            File.Copy(host.Key(key), Path.Combine(home, name));
        File.Copy(host.KnownHosts(), Path.Combine(home, ".ssh", "known_hosts"));
        File.Copy(host.KnownHosts(), Path.Combine(home, "known"));
        await File.WriteAllTextAsync(Path.Combine(home, ".ssh", "config"), config, Cancellation);
        return home;
    }

    /// <summary>Asks hosts, and says what came: a line for each answer, each warning and each error.</summary>
    private static async Task<string[]> RunAsync(string home, params string[] hosts)
    {
        ProgramRun run = await ProgramRun.PwshAsync(
            $$"""
            $hosts = {{string.Join(", ", hosts.Select(h => $"'{h}'"))}}
            $answers = Get-DsaAgentState -ComputerName $hosts -ErrorAction SilentlyContinue -ErrorVariable failed `
                -WarningAction SilentlyContinue -WarningVariable warned
            foreach ($answer in $answers) { "answer $($answer.ComputerName)" }
            foreach ($warning in $warned) { "warning $warning" }
            foreach ($failure in $failed) { "error $($failure.FullyQualifiedErrorId.Split(',')[0]) $failure" }
            """,
            ("HOME", home), ("SSH_AUTH_SOCK", ""));
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
