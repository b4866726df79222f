using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>A server that turns the first callers away without a word, as sshd does beyond its MaxStartups, and then serves.</summary>
public sealed class CrowdedServerTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_is_turned_away_asks_again(bool reset)
    {
        await using var door = new Door(host.Port, turnedAway: 2, reset);
        ModuleSession.Answer answer = Ask(door.Port);
        Assert.True(answer.Errors.Length == 0, string.Join("\n", answer.Errors.Select(e => e.Exception.ToString())));
        Assert.Single(answer.Output);
        Assert.Equal(3, door.Callers);
    }

    [Fact]
    public async Task Who_is_always_turned_away_gives_up_with_one_error()
    {
        await using var door = new Door(host.Port, turnedAway: int.MaxValue);
        ModuleSession.Answer answer = Ask(door.Port);
        Assert.Empty(answer.Output);
        Assert.StartsWith("TargetUnreachable,", Assert.Single(answer.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.InRange(door.Callers, 2, 10);
    }

    [Fact]
    public void A_port_where_nobody_listens_is_not_asked_again() =>
        Assert.StartsWith("TargetUnreachable,", Assert.Single(Ask(1).Errors).FullyQualifiedErrorId, StringComparison.Ordinal);

    private ModuleSession.Answer Ask(int port) => _module.Run(
        $"Get-DsaAgentState -ComputerName 127.0.0.1 -Port {port} -UserName bash -KeyFile '{host.Key("openssh-ed25519")}'"
        + $" -KnownHostsPath '{host.KnownHosts($"[127.0.0.1]:{port} {host.HostKey("ed25519")}")}'");
}
