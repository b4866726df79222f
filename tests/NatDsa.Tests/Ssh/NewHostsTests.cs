using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>A hundred hosts that nobody has been to: each adds its key to the same known_hosts.</summary>
public sealed class NewHostsTests(SshHost host) : IClassFixture<SshHost>, IAsyncLifetime
{
    private const int Count = 100;

    // Each port is another host to known_hosts.
    private readonly Door[] _doors = [.. Enumerable.Range(0, Count).Select(_ => new Door(host.Port))];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (Door door in _doors)
            await door.DisposeAsync();
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(1, "")]
    [InlineData(2, "# mine")]
    public async Task All_of_them_answer_and_each_has_its_line(int processes, string? before)
    {
        string known = Path.Combine(host.Folder, "known-" + Guid.NewGuid().ToString("N"));
        if (before is not null)
            await File.WriteAllTextAsync(known, before, TestContext.Current.CancellationToken);
        Task<ProgramRun>[] others =
            [.. Enumerable.Range(1, processes - 1).Select(_ => ProgramRun.PwshAsync($"({Command(known)}).Count"))];
        using (var module = new ModuleSession())
        {
            ModuleSession.Answer answer = module.Run(Command(known));
            Assert.Empty(answer.Errors.Select(e => e.ToString()));
            Assert.Equal(Count, answer.Output.Length);
        }

        foreach (ProgramRun other in await Task.WhenAll(others))
            Assert.Equal($"{Count}", other.Output.Trim());
        string[] lines = [.. _doors.Select(d => $"[127.0.0.1]:{d.Port} {host.HostKey("ed25519")}")];
        if (!string.IsNullOrEmpty(before))
            lines = [before, .. lines];
        Assert.Equal(
            lines.Order(),
            (await File.ReadAllLinesAsync(known, TestContext.Current.CancellationToken)).Order());
    }

    private string Command(string known) =>
        $"Get-NatIptablesState -ComputerName {string.Join(", ", _doors.Select(d => $"quick@127.0.0.1:{d.Port}"))} " +
        $"-KeyFile '{host.Key("openssh-ed25519")}' -KnownHostsPath '{known}' -AcceptNewHostKey";
}
