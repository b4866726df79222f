using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Host;
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

    private static void Answered(ModuleSession.Answer answer)
    {
        Assert.Empty(answer.Errors.Select(e => e.Exception.ToString()));
        Assert.IsType<DsaAgentState>(Assert.Single(answer.Output).BaseObject);
    }
}
