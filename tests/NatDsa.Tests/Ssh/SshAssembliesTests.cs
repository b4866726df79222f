using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>SSH.NET is loaded when a host is reached by it, not before, and apart from every other copy.</summary>
public sealed class SshAssembliesTests(SshHost host) : IClassFixture<SshHost>
{
    private const string Loaded =
        """
        foreach ($assembly in [AppDomain]::CurrentDomain.GetAssemblies()) {
            if ($assembly.GetName().Name -match '^(Renci|NatDsa\.Ssh|BouncyCastle|Microsoft\.Extensions)') {
                $context = [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext($assembly)
                "$($assembly.GetName().Name) $($assembly.GetName().Version.Major) '$($context.Name)'"
            }
        }
        """;

    [Fact]
    public async Task The_module_alone_does_not_load_it()
    {
        ProgramRun run = await ProgramRun.PwshAsync($"$null = Get-NatIptablesState -Path '{Repository.Root}/samples/erased.txt'; $null = Get-NatIptablesState; {Loaded}");
        Assert.Equal("", run.Output.Trim());
    }

    [Fact]
    public async Task Another_copy_does_not_meet_it()
    {
        string other = Path.Combine(AppContext.BaseDirectory, "ssh-2024", "Renci.SshNet.dll");
        ProgramRun run = await ProgramRun.PwshAsync(
            $"""
            $null = [System.Reflection.Assembly]::LoadFrom('{other}').GetTypes
            (Get-DsaAgentState -ComputerName root@127.0.0.1 -Port {host.Port} -KeyFile '{host.Key("openssh-ed25519")}' -KnownHostsPath '{host.KnownHosts()}').ComputerName
            {Loaded}
            """);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] lines = run.Output.Trim().Split('\n');
        Assert.Equal("root@127.0.0.1", lines[0]);
        Assert.Contains("Renci.SshNet 2024 'Default'", lines);
        Assert.Contains("Renci.SshNet 2026 'NatDsa.Ssh'", lines);
        Assert.Equal(2, lines.Count(l => l.StartsWith("Renci", StringComparison.Ordinal)));
        Assert.All(lines.Skip(1).Where(l => !l.Contains("2024", StringComparison.Ordinal)), l => Assert.EndsWith("'NatDsa.Ssh'", l, StringComparison.Ordinal));
    }
}
