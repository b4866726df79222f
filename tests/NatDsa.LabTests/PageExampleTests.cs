using System.Runtime.Versioning;
using NatDsa.Tests;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>The examples of docs/en-US that need a host, run on one that is in the state their page names.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PageExampleTests : IDisposable
{
    private const string AsAtFirst =
        "rm -f /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables; [ ! -e /root/good-rules ] || mv /root/good-rules /etc/sysconfig/iptables; ";

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-examples-").FullName;

    public static TheoryData<string> Pages() =>
        [.. PageExample.ReadAll(LabPaths.Root).Where(NeedsAHost).Select(e => e.Page).Distinct()];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Prints_what_the_page_says(string page)
    {
        await using Lab lab = await Lab.RaiseAsync(cancellationToken: TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "nat01.rules"), await lab.Nat.ReadFileAsync("/etc/sysconfig/iptables"), TestContext.Current.CancellationToken);
        WriteSsh(lab);
        bool broken = false;
        foreach (PageExample example in PageExample.Read(Path.Combine(LabPaths.Root, "docs", "en-US", page)).Where(NeedsAHost))
        {
            // An agent once installed leaves its traces.
            bool needsAgent = example.State is not ("clean" or "unsaved");
            if (broken && !needsAgent)
                await lab.RenewAsync();
            else if (!broken && needsAgent)
                await lab.BreakAsync();
            broken = needsAgent;
            (await lab.Nat.ShellAsync(AsAtFirst + Become(example.State))).EnsureSucceeded();
            LabResult run = await RunAsync(lab, example);
            Assert.True(run.Error.Length == 0, $"{example.Command}\n{run}");
            Assert.Equal(PageExample.Normalise(example.Output!), PageExample.Normalise(run.Output));
        }
    }

    private static bool NeedsAHost(PageExample example) => example.State.Length > 0;

    private static string Become(string state) => state switch
    {
        "erased" => "/etc/init.d/ds_agent restart",
        "lost" => "/etc/init.d/ds_agent restart && mv /etc/sysconfig/iptables /root/good-rules",
        "clean" => "true",
        "unsaved" => "iptables -A FORWARD -s 192.0.2.0/24 -j DROP",
        "flushed" => Become("repaired")
            + $" && {LabPwsh.OnHost} -NoProfile -Command Backup-NatIptablesState >/dev/null && iptables -t nat -F",
        "repaired" => "touch /etc/use_dsa_with_iptables && service iptables restart && service ip6tables restart "
            + "&& chkconfig iptables on && chkconfig ip6tables on && /etc/init.d/ds_agent restart",
        _ => throw new ArgumentException($"No host has the state '{state}'.", nameof(state)),
    };

    // A command that names a host is typed elsewhere; any other, on the NAT host.
    private Task<LabResult> RunAsync(Lab lab, PageExample example)
    {
        string command = PageExample.AtItsWidth(example.Command);
        return example.Command.Contains("-HostName", StringComparison.Ordinal) || example.Command.Contains("ssh ", StringComparison.Ordinal)
            ? LabCommand.RunAsync(
                LabPwsh.Here($"Set-Location '{_folder}'; {command}", _folder),
                input: null, TimeSpan.FromSeconds(90), TestContext.Current.CancellationToken)
            : lab.Nat.PwshAsync(command, TimeSpan.FromSeconds(90));
    }

    // The pages call the hosts by their names, which only this ssh knows.
    private void WriteSsh(Lab lab)
    {
        string config = Path.Combine(_folder, "config");
        File.WriteAllText(config, $"""
            Host nat01
              HostName {lab.Nat.Address}
            Host client01
              HostName {lab.Client.Address}
            Host *
              Port {lab.Port}
              IdentityFile "{lab.KeyFilePath}"
              IdentitiesOnly yes
              UserKnownHostsFile "{lab.KnownHostsPath}"
              StrictHostKeyChecking yes
              LogLevel ERROR

            """);
        string ssh = Path.Combine(_folder, "ssh");
        File.WriteAllText(ssh, $"#!/bin/sh\nPATH=${{PATH#*:}}\nexec ssh -F '{config}' \"$@\"\n");
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
