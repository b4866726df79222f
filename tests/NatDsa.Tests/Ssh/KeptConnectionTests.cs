using System.Text.RegularExpressions;
using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Connections that stay open for the next cmdlet, to a real sshd behind a door that counts who comes in.</summary>
public sealed class KeptConnectionTests(SshHost host, SshServer powershell) : IClassFixture<SshHost>, IClassFixture<SshServer>, IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Fact]
    public async Task Objects_that_were_collected_reach_their_host_over_the_connection_that_is_open()
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door)}; $s"));
        Answered(_module.Run("$s | Get-DsaAgentState"));
        Answered(_module.Run("$s | Get-DsaAgentState | Get-DsaAgentState"));
        Assert.Equal((1, 1), (door.Callers, door.Connections));
    }

    [Theory]
    [InlineData("bash", 1)]
    [InlineData("csh", 1)]
    [InlineData("ash", 1)]
    [InlineData("applets", 1)]
    // It ends in the second answer.
    [InlineData("fickle", 2)]
    // They begin, and say something, when their input ends, and then nothing is left to be asked by.
    [InlineData("patient", 2)]
    [InlineData("filtered", 2)]
    public async Task A_shell_that_waits_is_asked_again_and_another_where_it_does_not_answer(string user, int shells)
    {
        await using var door = new Door(host.Port);
        int before = Shells(user);
        Answered(_module.Run($"$s = {Ask(door, user)}; $s"));
        Answered(_module.Run("$s | Get-DsaAgentState"));
        Assert.Equal((shells, 1), (Shells(user) - before, door.Callers));
    }

    [Fact]
    public async Task Two_questions_at_once_have_a_shell_each_and_one_of_them_is_kept()
    {
        await using var door = new Door(host.Port);
        int before = Shells("drowsy");
        Answered(_module.Run($"$s = {Ask(door, "drowsy")}; $s"));
        Assert.Equal(2, _module.Run("$s, $s | Get-DsaAgentState").Output.Length);
        Answered(_module.Run("$s | Get-DsaAgentState"));
        Assert.Equal((2, 1), (Shells("drowsy") - before, door.Callers));
    }

    [Fact]
    public async Task Who_is_asked_nothing_and_talks_all_the_same_is_hung_up_on()
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door, "chatty")}; $s"));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await door.UntilEmptyAsync(limit.Token);
    }

    [Fact]
    public async Task No_shell_of_sudo_waits()
    {
        await using var door = new Door(host.Port);
        int before = Shells("csh");
        Answered(_module.Run($"$s = {Ask(door, "csh")} -Sudo; $s"));
        Answered(_module.Run("$s | Get-DsaAgentState -Sudo"));
        Assert.Equal((2, 1), (Shells("csh") - before, door.Callers));
    }

    [Fact]
    public async Task A_shell_that_waits_makes_room_where_one_at_a_time_is_allowed()
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door, "single")}; $s"));
        ModuleSession.Answer answer = _module.Run($"$s | Test-NatEgress -Uri http://127.0.0.1:{host.Port}/");
        Assert.Empty(answer.Errors.Select(e => e.Exception.ToString()));
        Assert.Equal(1, door.Callers);
        Answered(_module.Run("$s | Get-DsaAgentState"));
    }

    [Fact]
    public async Task A_PowerShell_session_is_kept_too()
    {
        await using var door = new Door(powershell.Port);
        Answered(_module.Run(
            $"$s = Get-DsaAgentState -HostName 127.0.0.1 -Port {door.Port} -KeyFilePath '{powershell.KeyFile}' "
            + "-Options @{ StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null' }; $s"));
        Answered(_module.Run("$s | Get-DsaAgentState"));
        Assert.Equal((1, 1), (door.Callers, door.Connections));
        _module.Run("Remove-Module NatDsa");
        await door.UntilEmptyAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_has_died_is_opened_anew(bool silently)
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door)}; $s"));
        if (silently)
            door.Silence();
        else
            door.Cut();
        Answered(_module.Run("$s | Get-DsaAgentState"));
        Assert.Equal(2, door.Callers);
    }

    [Fact]
    public async Task A_host_that_does_not_come_back_costs_its_time()
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door)}; $s"));
        door.Silence();
        Assert.StartsWith("TimedOut,", Assert.Single(_module.Run("$s | Get-DsaAgentState -TimeoutSec 2").Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        await door.UntilEmptyAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Removing_the_module_closes_what_is_open()
    {
        await using var door = new Door(host.Port);
        Answered(_module.Run($"$s = {Ask(door)}; $s"));
        _module.Run("Remove-Module NatDsa");
        await door.UntilEmptyAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_stop_closes_what_is_open()
    {
        await using var door = new Door(host.Port);
        Task<ModuleSession.Answer?> running = _module.RunUntilStoppedAsync($"{Ask(door)}; {Ask(door, "hang")}", SecondCallerAsync());
        Assert.Null(await running.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        await door.UntilEmptyAsync(TestContext.Current.CancellationToken);

        async Task SecondCallerAsync()
        {
            while (door.Callers < 2)
                await Task.Delay(20);
        }
    }

    [Fact]
    public async Task Of_a_host_that_failed_nothing_is_kept()
    {
        await using var door = new Door(host.Port);
        Assert.Single(_module.Run(Ask(door, "nologin")).Errors);
        await door.UntilEmptyAsync(TestContext.Current.CancellationToken);
    }

    private string Ask(Door door, string user = "bash") =>
        $"Get-DsaAgentState -ComputerName {user}@127.0.0.1:{door.Port} -KeyFile '{host.Key("openssh-ed25519")}' -KnownHostsPath '{host.KnownHosts($"* {host.HostKey("ed25519")}")}'";

    private int Shells(string user) => Regex.Count(host.Log, $"Starting session: command for {user} ");

    private static void Answered(ModuleSession.Answer answer)
    {
        Assert.Empty(answer.Errors.Select(e => e.Exception.ToString()));
        Assert.IsType<DsaAgentState>(Assert.Single(answer.Output).BaseObject);
    }
}
