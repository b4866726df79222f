using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Security;
using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>
/// Hosts that do what a host should not: each costs one error that says what is wrong, and its time, and leaves nothing behind.
/// </summary>
[Collection(WholeMachineTests.Name)]
public sealed class BadHostTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    // How long is waited for what must come, however busy the machine is.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly ModuleSession _module = new();

    /// <summary>Connections that are kept for who comes next would be there in the test that follows.</summary>
    public void Dispose()
    {
        _module.Run("Remove-Module NatDsa -ErrorAction Ignore");
        _module.Dispose();
    }

    [Theory]
    [InlineData(Badness.BlackHole, "TimedOut", ErrorCategory.OperationTimeout)]
    [InlineData(Badness.Chatter, "TargetUnreachable", ErrorCategory.ConnectionError)]
    [InlineData(Badness.Garbage, "TargetUnreachable", ErrorCategory.ConnectionError)]
    [InlineData(Badness.ClosesAfterVersion, "TargetUnreachable", ErrorCategory.ConnectionError)]
    [InlineData(Badness.CutInKeyExchange, "TargetUnreachable", ErrorCategory.ConnectionError)]
    [InlineData(Badness.CutInLogin, "TargetUnreachable", ErrorCategory.ConnectionError)]
    [InlineData(Badness.CutInAnswer, "TargetUnreachable", ErrorCategory.ConnectionError)]
    public async Task A_connection_that_breaks_is_one_error(Badness badness, string errorId, ErrorCategory category)
    {
        await using var bad = new BadHost(badness, host.Port);
        string name = $"flood@127.0.0.1:{bad.Port}";
        Failed(errorId, category, name, await RunAsync(name, errorId == "TimedOut" ? 3 : 30));
        await NoConnectionToAsync(bad.Port);
    }

    [Theory]
    [InlineData(Badness.BlackHole, "TimedOut")]
    [InlineData(Badness.Garbage, "TargetUnreachable")]
    [InlineData(Badness.ClosesAfterVersion, "TargetUnreachable")]
    [InlineData(Badness.CutInKeyExchange, "TargetUnreachable")]
    [InlineData(Badness.CutInLogin, "TargetUnreachable")]
    public async Task A_PowerShell_session_that_does_not_come_up_is_one_error(Badness badness, string errorId)
    {
        await using var bad = new BadHost(badness, host.Port);
        ModuleSession.Answer answer = await RunAsync(
            $"Get-NatIptablesState -HostName 127.0.0.1 -Port {bad.Port} -UserName bash -KeyFilePath '{host.Key("openssh-ed25519")}' -TimeoutSec {(errorId == "TimedOut" ? 3 : 30)} "
            + $"-Options @{{ UserKnownHostsFile = '{Anywhere()}'; GlobalKnownHostsFile = '/dev/null'; StrictHostKeyChecking = 'yes'; BatchMode = 'yes' }}");
        Failed(errorId, null, "127.0.0.1", answer);
        await NoConnectionToAsync(bad.Port);
        await UntilNoneAsync(() => Processes().Where(p => Path.GetFileName(p[0]) == "ssh" && p.Contains(bad.Port.ToString(CultureInfo.InvariantCulture))).Select(p => string.Join(' ', p)));
    }

    [Fact]
    public async Task A_closed_port_and_a_name_that_leads_nowhere_are_unreachable()
    {
        Failed("TargetUnreachable", ErrorCategory.ConnectionError, "127.0.0.1:1", await RunAsync("127.0.0.1:1", 30));
        Failed("TargetUnreachable", ErrorCategory.ConnectionError, "nat99.invalid", await RunAsync("nat99.invalid", 30));
    }

    [Theory]
    [InlineData("-ComputerName", "-KeyFile")]
    [InlineData("-HostName", "-KeyFilePath")]
    public async Task A_name_server_that_does_not_answer_costs_the_hosts_time(string name, string key)
    {
        // What is sent to the name server comes nowhere, and the resolver waits for minutes.
        string[] lines = ["nameserver 192.0.2.1", "options timeout:30 attempts:5"];
        await File.WriteAllLinesAsync(Path.Combine(host.Folder, "resolv.conf"), lines, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(host.Folder, "nsswitch.conf"), "hosts: dns\n", TestContext.Current.CancellationToken);
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("unshare", ["--net", "--mount", "sh", "-c",
            """
            ip link add nowhere type veth peer name end && ip addr add 192.0.2.2/24 dev nowhere && ip link set nowhere up && ip link set end up || exit
            ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:99 dev nowhere || exit
            for file in resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file" || exit; done
            exec "$2" -NoProfile -Command "Get-NatIptablesState $3 nat01.example -UserName bash $4 '$1/openssh-ed25519' -TimeoutSec 3 -ErrorVariable e -ErrorAction SilentlyContinue; \$e.FullyQualifiedErrorId"
            """, "sh", host.Folder, Pwsh.Program, name, key]))
            .WaitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.StartsWith("TimedOut,", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_and_a_key_that_are_refused_are_errors_of_the_login()
    {
        string name = $"bash@127.0.0.1:{host.Port}";
        Failed("AuthenticationFailed", ErrorCategory.AuthenticationError, name, await RunAsync(
            $"Get-NatIptablesState -ComputerName {name} -KnownHostsPath '{Anywhere()}' -Credential ([pscredential]::new('bash', @($input)[0]))", Secret("wrong")));
        Failed("AuthenticationFailed", ErrorCategory.AuthenticationError, name, await RunAsync(name, 30, "stranger"));
        await NoConnectionToAsync(host.Port);
    }

    [Theory]
    [InlineData("nologin", "not available")]
    [InlineData("forced", "Only backups here.")]
    [InlineData("question", "login shell has read it")]
    public async Task A_user_who_may_not_run_the_script_is_told_what_the_host_said(string user, string words)
    {
        string name = $"{user}@127.0.0.1:{host.Port}";
        ErrorRecord error = Failed("AnswerBroken", ErrorCategory.InvalidData, name, await RunAsync(name, 30));
        Assert.Contains(words, error.Exception.Message, StringComparison.Ordinal);
        await NoConnectionToAsync(host.Port);
    }

    [Fact]
    public async Task A_question_does_not_make_a_command_of_a_password()
    {
        string name = $"question@127.0.0.1:{host.Port}";
        ModuleSession.Answer answer = await RunAsync($"{Command(name, 30)} -SudoPassword @($input)[0]", Secret("a-secret word"));
        ErrorRecord error = Failed("SudoFailed", ErrorCategory.PermissionDenied, name, answer);
        Assert.DoesNotContain("a-secret", error.Exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("a-secret", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_without_end_to_its_answer_is_cut_off_and_not_held()
    {
        string name = $"flood@127.0.0.1:{host.Port}";
        ProgramRun run = await ProgramRun.PwshAsync(
            $"{Command(name, 60)} -ErrorVariable e -ErrorAction SilentlyContinue; \"$($e.FullyQualifiedErrorId) $($e.TargetObject)\"; [Diagnostics.Process]::GetCurrentProcess().PeakWorkingSet64")
            .WaitAsync(s_patience, TestContext.Current.CancellationToken);
        string[] lines = run.Output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Matches($"^AnswerBroken,.* {name}$", lines[0]);
        Assert.InRange(long.Parse(lines[1], CultureInfo.InvariantCulture), 1, 500 << 20);
        await NoShellOfAsync("flood");
    }

    [Fact]
    public async Task A_host_that_does_not_come_to_an_end_costs_its_time()
    {
        string[] names = [.. from user in (string[])["slow", "hang", "complaints"] select $"{user}@127.0.0.1:{host.Port}"];
        ModuleSession.Answer answer = await RunAsync(string.Join("','", names), 5);
        Assert.Empty(answer.Output);
        Assert.Equal(names.Order(), answer.Errors.Select(e => (string)e.TargetObject).Order());
        Assert.All(answer.Errors, e => Assert.StartsWith("TimedOut,", e.FullyQualifiedErrorId, StringComparison.Ordinal));
        await NoConnectionToAsync(host.Port);
        await NoShellOfAsync("slow");
        await NoShellOfAsync("hang");
        await NoShellOfAsync("complaints");
    }

    [Fact]
    public async Task Half_an_answer_is_no_state()
    {
        string name = $"half@127.0.0.1:{host.Port}";
        ModuleSession.Answer answer = await RunAsync(name, 30);
        Assert.Equal(NatStatus.Unknown, answer.Single<NatIptablesState>().Status);
        Failed("AnswerBroken", ErrorCategory.InvalidData, name, answer with { Output = [] });
    }

    [Fact]
    public async Task A_banner_and_a_motd_are_no_part_of_the_answer()
    {
        foreach (string name in (string[])[$"motd@127.0.0.1:{host.Port}", $"root@127.0.0.1:{host.DialoguePort}"])
        {
            ModuleSession.Answer answer = await RunAsync(name, 30);
            Assert.Empty(answer.Errors.Select(e => e.ToString()));
            Assert.NotNull(answer.Single<NatIptablesState>().ReadAt);
        }
    }

    [Fact]
    public async Task A_hosts_clock_is_its_own_and_nothing_hangs_on_it()
    {
        ModuleSession.Answer answer = await RunAsync($"skewed@127.0.0.1:{host.Port}', 'root@127.0.0.1:{host.Port}", 30);
        Assert.Empty(answer.Errors.Select(e => e.ToString()));
        NatIptablesState[] states = [.. answer.Output.Select(o => (NatIptablesState)o.BaseObject).OrderBy(s => s.ReadAt)];
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_000_000_000), states[0].ReadAt);
        Assert.Equal(states[1].Status, states[0].Status);
        Assert.InRange(states[1].ReadAt!.Value, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    [Fact]
    public async Task A_mixed_run_loses_no_host()
    {
        BadHost[] bad = [.. Enum.GetValues<Badness>().SelectMany(b => Enumerable.Repeat(b, 4)).Select(b => new BadHost(b, host.Port))];
        string[] badNames =
        [
            .. bad.Select(b => $"flood@127.0.0.1:{b.Port}"),
            .. from user in (string[])["nologin", "forced", "question", "slow", "nobody-there"] from address in (string[])["127.0.0.1", "[::1]"] select $"{user}@{address}:{host.Port}",
            "nat99.invalid", "127.0.0.1:1",
        ];
        string[] goodNames = [.. Enumerable.Range(0, 160).Select(n => $"{(n < 30 ? "root" : "quick")}@{SshHost.Addresses[n % SshHost.Addresses.Count]}:{host.Port}")];
        Assert.Equal(40, badNames.Length);
        string[] names = [.. goodNames, .. badNames];
        new Random(4).Shuffle(names);

        ModuleSession.Answer answer = await Task.Run(
            () => _module.Run($"$input | ForEach-Object {{ [pscustomobject]@{{ ComputerName = $_ }} }} | {Command(null, 20)}", [.. names]))
            .WaitAsync(2 * s_patience, TestContext.Current.CancellationToken);
        Assert.Empty(answer.Errors.Where(e => goodNames.Contains(e.TargetObject)).Select(e => e.ToString()));
        Assert.Equal(badNames.Order(), answer.Errors.Select(e => (string)e.TargetObject).Order());
        Assert.Equal(goodNames.Order(), answer.Output.Select(o => ((NatIptablesState)o.BaseObject).ComputerName).Order());
        Assert.All(answer.Output.Select(o => (NatIptablesState)o.BaseObject).Where(s => s.ComputerName!.StartsWith("quick", StringComparison.Ordinal)), s => Assert.Equal(NatStatus.Healthy, s.Status));
        foreach (BadHost one in bad)
        {
            await NoConnectionToAsync(one.Port);
            await one.DisposeAsync();
        }

        // The connections to the good ones are kept for who comes next.
        _module.Run("Remove-Module NatDsa");
        await NoConnectionToAsync(host.Port);
    }

    private string Anywhere() => host.KnownHosts($"* {host.HostKey("ed25519")}");

    private string Command(string? name, int timeout, string key = "openssh-ed25519") =>
        $"Get-NatIptablesState {(name is null ? "" : $"-ComputerName '{name}'")} -KeyFile '{host.Key(key)}' -KnownHostsPath '{Anywhere()}' -TimeoutSec {timeout}";

    private Task<ModuleSession.Answer> RunAsync(string name, int timeout, string key = "openssh-ed25519") => RunAsync(Command(name, timeout, key));

    private Task<ModuleSession.Answer> RunAsync(string script, params object[] input) =>
        Task.Run(() => _module.Run(script, input)).WaitAsync(s_patience, TestContext.Current.CancellationToken);

    private static ErrorRecord Failed(string id, ErrorCategory? category, string name, ModuleSession.Answer answer)
    {
        Assert.Empty(answer.Output);
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.Equal((id, name), (error.FullyQualifiedErrorId.Split(',')[0], error.TargetObject));
        Assert.Equal(category ?? error.CategoryInfo.Category, error.CategoryInfo.Category);
        return error;
    }

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (char c in text)
            secret.AppendChar(c);
        return secret;
    }

    /// <summary>No program of this machine has a connection to a port: in /proc/net/tcp, a socket that is closed belongs to nobody (inode 0).</summary>
    private static Task NoConnectionToAsync(int port)
    {
        string remote = $":{port:X4}";
        return UntilNoneAsync(() => from table in (string[])["/proc/net/tcp", "/proc/net/tcp6"]
                                    from line in File.ReadAllLines(table)
                                    let words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                                    where words[2].EndsWith(remote, StringComparison.Ordinal) && words[9] != "0"
                                    select line);
    }

    private Task NoShellOfAsync(string user) =>
        UntilNoneAsync(() => Processes().Where(p => p.Contains(Path.Combine(host.Folder, user))).Select(p => string.Join(' ', p)));

    private static async Task UntilNoneAsync(Func<IEnumerable<string>> left)
    {
        var clock = Stopwatch.StartNew();
        string[] still;
        while ((still = [.. left()]).Length > 0 && clock.Elapsed < s_patience)
            await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Empty(still);
    }

    private static IEnumerable<string[]> Processes()
    {
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
        {
            string[] words = [""];
            try
            {
                words = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended.
            }

            yield return words;
        }
    }
}
