using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>What goes wrong in the middle of a step.</summary>
public enum Fault
{
    /// <summary>The connection, and what serves it on the host, is killed.</summary>
    Cut,

    /// <summary>The program that carries out the steps is killed with SIGKILL.</summary>
    Killed,

    /// <summary>The step's command fails.</summary>
    Fails,

    /// <summary>The step's command does not come back.</summary>
    Hangs,

    /// <summary>The disk that holds the backup and the journal gets full.</summary>
    DiskFull,

    /// <summary>The host loses its power.</summary>
    PowerCut,
}

/// <summary>
/// A repair in each of whose steps, in turn, something goes wrong. Whatever it is, the host ends in one of two states, as before or repaired; nothing is
/// lost; and the next repair succeeds. With <c>NATDSA_FAULTS=all</c> every fault comes in every step, and the table of docs/safety.md is
/// written; without it, each step and each fault comes once.
/// </summary>
public abstract class FaultTests(SharedLab host)
{
    private const string Repair = "Repair-DsaNatHost";
    private const string Gate = "/run/gate";

    private static readonly bool s_all = Environment.GetEnvironmentVariable("NATDSA_FAULTS") == "all";
    private static readonly ConcurrentDictionary<(string Flavor, RepairMoment Step, Fault Fault), string> s_seen = new();

    /// <summary>The cases.</summary>
    protected static TheoryData<RepairMoment, Fault> CasesFrom(int first)
    {
        var cases = new TheoryData<RepairMoment, Fault>();
        RepairMoment[] steps = Enum.GetValues<RepairMoment>();
        Fault[] faults = Enum.GetValues<Fault>();
        foreach (RepairMoment step in steps)
        {
            foreach (Fault fault in faults)
            {
                if (s_all || ((int)step + first) % faults.Length == (int)fault)
                    cases.Add(step, fault);
            }
        }

        return cases;
    }

    /// <summary>The program that a step runs which has to do with services, and its arguments as a pattern of sh.</summary>
    protected abstract (string Program, string Arguments) CommandOfService(RepairMoment step);

    private (string Program, string Arguments) CommandOf(RepairMoment step) => step switch
    {
        RepairMoment.Backup => ("cmp", "'/etc/sysconfig/iptables '*"),
        RepairMoment.Marker => ("chmod", "'0644 /etc/use_dsa_with_iptables'"),
        RepairMoment.Rules => ("iptables-restore", "''"),
        _ => CommandOfService(step),
    };

    /// <summary>One case.</summary>
    protected async Task RunAsync(RepairMoment step, Fault fault)
    {
        await host.BreakAsync();
        var rules = await PersistedAsync();
        await using var disk = fault == Fault.DiskFull ? await SmallDisk.MountAsync(host, "/var/lib/natdsa", pages: 200) : null;
        await PutInTheWayAsync(step, fault);
        var before = await host.Nat.SnapshotAsync();

        host.Disconnect();
        string ending;
        using (var shell = new LabShell(host.Lab))
        {
            // A step's command that hangs gets a fifth of the time, the agent's restart a third.
            var target = fault switch { Fault.Killed => "@nat", Fault.Fails => "@natSsh", _ => "@natPlain" };
            await using var repair = await shell.StartAsync($"{Repair} {target} -Confirm:0 -TimeoutSec {(fault == Fault.Hangs ? 25 : 100)}");
            if (fault is Fault.Cut or Fault.Killed or Fault.PowerCut)
            {
                await UntilAsync($"test -e {Gate}/reached");
                switch (fault)
                {
                    case Fault.Cut:
                        await host.Nat.ShellAsync($"kill -9 $(pgrep -f '[s]shd(-session)?: root'); : >{Gate}/open");
                        break;
                    case Fault.Killed:
                        await host.OnNatAsync($"kill -9 $(cat /var/lib/natdsa/*/worker); : >{Gate}/open");
                        break;
                    default:
                        await host.RebootNatAsync();
                        break;
                }
            }

            var answer = await repair.Answer.WaitAsync(TimeSpan.FromSeconds(110), TestContext.Current.CancellationToken);
            ending = answer.Output.Select(one => one.BaseObject).OfType<RepairResult>().FirstOrDefault() is { } result ? result.Outcome.ToString() : answer.ErrorId;
            await UntilAsync("test ! -e /var/lib/natdsa/lock || flock -n /var/lib/natdsa/lock true");
            var state = await StateAsync(before, fault, answer.ToString());
            Assert.Equal(rules, await PersistedAsync());
            s_seen[(host.Lab.Options.ToString(), step, fault)] = $"{ending}; {state}";
        }

        await ClearTheWayAsync();
        await AssertRepairedByTheNextAsync();
        if (s_all)
            await WriteTableAsync();
    }

    private async Task<string> StateAsync(LabSnapshot before, Fault fault, string said)
    {
        if ((await host.Lab.FetchAsync()).Answered)
        {
            var repaired = (await host.RunAsync($"{Repair} @nat -WhatIf")).Only<RepairResult>();
            Assert.Equal(ChangeOutcome.NothingToDo, repaired.Outcome);
            return "repaired";
        }

        if (fault == Fault.PowerCut)
        {
            // The rules went with the power, and the marker stays: it does no harm, and the next start of the agent erases nothing.
            Assert.Equal(NatStatus.Erased, (await host.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>().Status);
            return "as before";
        }

        await host.AssertUnchangedSinceAsync(before, said, "/var/lib/natdsa", "/usr/local/sbin", "module dsa_filter");
        return "as before";
    }

    private async Task AssertRepairedByTheNextAsync()
    {
        var next = await host.RunAsync($"{Repair} @nat -Confirm:0");
        if (next.Errors.Count > 0)
            next = await host.RunAsync($"{Repair} @nat -Confirm:0");
        Assert.Contains(next.Only<RepairResult>().Outcome, new[] { ChangeOutcome.Done, ChangeOutcome.NothingToDo });
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(DsaRisk.Protected, (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
    }

    private async Task PutInTheWayAsync(RepairMoment step, Fault fault)
    {
        var (program, arguments) = CommandOf(step);
        var what = fault switch
        {
            Fault.Fails => "exit 1",
            Fault.Hangs => "sleep 1000",
            Fault.DiskFull => "cat /dev/zero >/var/lib/natdsa/fill 2>/dev/null",
            _ => $": >{Gate}/reached; while [ ! -e {Gate}/open ]; do sleep 0.1; done",
        };
        await host.OnNatAsync($"rm -rf {Gate}; mkdir {Gate}");
        // An init script is called by its own path; what is called by name is found in front of the real one.
        await host.OnNatAsync(program.StartsWith('/')
            ? $"sed -i '2i case \"$*\" in {arguments}) {what} ;; esac # in the way' {program}"
            : $$"""
              real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v {{program}})
              printf '#!/bin/sh\n# /run/gate\ncase "$*" in {{arguments.Replace("'", "\"", StringComparison.Ordinal)}}) {{what}} ;; esac\nexec %s "$@"\n' "$real" >/usr/local/sbin/{{program}}
              chmod 755 /usr/local/sbin/{{program}}
              """);
    }

    private Task<string> ClearTheWayAsync() => host.OnNatAsync($"""
        mkdir -p {Gate}
        : >{Gate}/open
        rm -f $(grep -ls /run/gate /usr/local/sbin/*) /var/lib/natdsa/fill
        if [ -e /etc/init.d/ds_agent ]; then sed -i '/# in the way$/d' /etc/init.d/ds_agent; fi
        """);

    private Task<string> PersistedAsync() => host.OnNatAsync("sha256sum /etc/sysconfig/iptables /etc/sysconfig/ip6tables");

    private async Task UntilAsync(string condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!(await host.Nat.ShellAsync(condition)).Succeeded)
            await Task.Delay(100, limit.Token);
    }

    private static async Task WriteTableAsync()
    {
        const string Begin = "<!-- cases: written by the tests -->";
        var path = Path.Combine(LabPaths.Root, "docs", "safety.md");
        var text = await File.ReadAllTextAsync(path);
        var rows = s_seen.OrderBy(s => s.Key.Flavor, StringComparer.Ordinal).ThenBy(s => s.Key.Step).ThenBy(s => s.Key.Fault)
            .Select(s => string.Create(CultureInfo.InvariantCulture, $"| {s.Key.Flavor} | {s.Key.Step} | {s.Key.Fault} | {s.Value.Replace("; ", " | ", StringComparison.Ordinal)} |"));
        await File.WriteAllTextAsync(path, text[..(text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length)]
            + $"\n\n{s_seen.Count} cases.\n\n| host | in the step | what goes wrong | outcome | the host then |\n| --- | --- | --- | --- | --- |\n{string.Join('\n', rows)}\n");
    }
}

/// <summary>On the init scripts of RHEL 6, and iptables-nft.</summary>
public sealed class SysVFaultTests(SharedLab host) : FaultTests(host), IClassFixture<SharedLab>
{
    /// <summary>Each step with the fault of its number.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesFrom(0);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_repaired(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfService(RepairMoment step) => step switch
    {
        RepairMoment.Service => ("service", "'iptables start'"),
        RepairMoment.Boot => ("chkconfig", "'iptables on'"),
        _ => ("/etc/init.d/ds_agent", "restart"),
    };
}

/// <summary>On a system like RHEL 7, with systemd, and iptables-legacy.</summary>
public sealed class Rhel7FaultTests(Rhel7FaultTests.LegacyLab host) : FaultTests(host), IClassFixture<Rhel7FaultTests.LegacyLab>
{
    /// <summary>Each step with the fault of another number.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesFrom(4);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_repaired(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfService(RepairMoment step) => step switch
    {
        RepairMoment.Service => ("systemctl", "'start iptables.service'"),
        RepairMoment.Boot => ("systemctl", "'enable iptables.service'"),
        _ => ("systemctl", "'restart ds_agent.service'"),
    };

    /// <summary>The lab.</summary>
    public sealed class LegacyLab() : SharedLab(new LabOptions(LabFlavor.Rhel7, LabBackend.Legacy));
}
