using System.Collections.Concurrent;
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
/// A change of a host in each of whose steps, in turn, something goes wrong. Whatever it is, the host ends in one of
/// two states, as before or changed; nothing is lost; and the next run succeeds. With <c>NATDSA_FAULTS=all</c> every
/// fault comes in every step, with the name of a step (<c>Agent</c>) in that one, and the table of docs/safety.md is
/// written; without it, each step and each fault comes once.
/// </summary>
public abstract class FaultTests(SharedLab host)
{
    private const string Gate = "/run/gate";

    private static readonly string? s_asked = Environment.GetEnvironmentVariable("NATDSA_FAULTS");
    private static readonly bool s_one = Enum.TryParse<RepairMoment>(s_asked, out _);
    private static readonly (string Splat, string Parameter)[] s_targets = [("@nat", "-Session"), ("@natSsh", "-HostName"), ("@natPlain", "-ComputerName")];
    private static readonly ConcurrentDictionary<string, string> s_seen = new();

    /// <summary>Whether every case is asked for.</summary>
    internal static bool All => s_asked == "all";

    /// <summary>The host.</summary>
    protected SharedLab Host => host;

    /// <summary>The cmdlet, with its parameters but for the host.</summary>
    protected abstract string Cmdlet { get; }

    /// <summary>Brings the host into the state that the cmdlet changes.</summary>
    protected abstract Task PrepareAsync();

    /// <summary>The program that a step runs, and its arguments as a pattern of sh.</summary>
    protected abstract (string Program, string Arguments) CommandOf(RepairMoment step);

    /// <summary>Proves that the host is as the cmdlet should make it, besides that the cmdlet says so.</summary>
    protected abstract Task AssertDoneAsync();

    /// <summary>Proves that a host that has lost its power in the middle is as before, as far as that outlives the power.</summary>
    protected abstract Task AssertAsBeforeBootAsync();

    /// <summary>What must never get lost, as it is now: persisted rules, backups. Each line must be one of those before or after the change.</summary>
    protected abstract Task<string> KeptAsync();

    /// <summary>The cases.</summary>
    /// <param name="first">The fault of the first step, when each step has but one; null: then there are none.</param>
    /// <param name="steps">The steps of the cmdlet.</param>
    protected static TheoryData<RepairMoment, Fault> CasesOf(int? first, params RepairMoment[] steps)
    {
        var cases = new TheoryData<RepairMoment, Fault>();
        Fault[] faults = Enum.GetValues<Fault>();
        for (var i = 0; i < steps.Length; i++)
        {
            foreach (Fault fault in faults)
            {
                if (All || s_one ? All || steps[i].ToString() == s_asked : (i + first) % faults.Length == (int)fault)
                    cases.Add(steps[i], fault);
            }
        }

        return cases;
    }

    /// <summary>One case.</summary>
    protected async Task RunAsync(RepairMoment step, Fault fault)
    {
        await PrepareAsync();
        var kept = await KeptAsync();
        await using var disk = fault == Fault.DiskFull ? await SmallDisk.MountAsync(host, "/var/lib/natdsa", pages: 200) : null;
        var (program, arguments) = CommandOf(step);
        await PutInTheWayAsync(program, arguments, fault);
        var before = await host.Nat.SnapshotAsync();

        host.Disconnect();
        using (var shell = new LabShell(host.Lab))
        {
            // A step's command that hangs gets a fifth of the time, the agent's restart somewhat less.
            // A session does not outlive its connection; the others take turns.
            var target = s_targets[fault is Fault.Killed or Fault.Fails or Fault.DiskFull ? ((int)step + (int)fault) % s_targets.Length : ^1];
            await using var change = await shell.StartAsync($"{Cmdlet} {target.Splat} -Confirm:0 -TimeoutSec {(fault == Fault.Hangs ? 25 : 100)}");
            if (fault is Fault.Cut or Fault.Killed or Fault.PowerCut)
            {
                await host.Nat.UntilAsync($"test -e {Gate}/reached", 90);
                switch (fault)
                {
                    case Fault.Cut:
                        await host.Nat.ShellAsync($"kill -9 $(pgrep -f '[s]shd(-session)?: root'); : >{Gate}/open");
                        break;
                    case Fault.Killed:
                        await host.OnNatAsync($"kill -9 $(cat $(ls -t /var/lib/natdsa/*/worker | head -n 1)); : >{Gate}/open");
                        break;
                    default:
                        await host.RebootNatAsync();
                        break;
                }
            }

            var answer = await change.Answer.WaitAsync(TimeSpan.FromSeconds(110), TestContext.Current.CancellationToken);
            var ending = answer.Output.Select(one => one.BaseObject).OfType<ChangeResult>().FirstOrDefault() is { } result ? result.Outcome.ToString() : answer.ErrorId;
            await RepairGate.FreeAsync(host, 90);
            var state = await StateAsync(before, step, fault, answer.ToString());
            if (state == "as before" && fault != Fault.PowerCut)
                Assert.Equal(kept, await KeptAsync());
            s_seen[$"| {Cmdlet.Split(' ')[0]} | {host.Lab.Options} | {step} | {fault}"] =
                $" | {target.Parameter} | {ending} | {state} |";
        }

        await ClearTheWayAsync();
        await AssertDoneByTheNextAsync();
        if (All || s_one)
            await WriteTableAsync();
    }

    private async Task<string> StateAsync(LabSnapshot before, RepairMoment step, Fault fault, string said)
    {
        // What was done before the agent's turn stays, whatever becomes of it.
        if (step == RepairMoment.Agent)
        {
            await AssertDoneAsync();
            return "done";
        }

        var now = await host.RunAsync($"{Cmdlet} @nat -WhatIf");
        if (now.Errors.Count == 0 && now.Output is [{ BaseObject: ChangeResult { Outcome: ChangeOutcome.NothingToDo } }])
        {
            await AssertDoneAsync();
            return "done";
        }

        if (fault == Fault.PowerCut)
            await AssertAsBeforeBootAsync();
        else
            await AssertAsBeforeAsync(before, said);
        return "as before";
    }

    /// <summary>Proves that the host is as before.</summary>
    protected virtual Task AssertAsBeforeAsync(LabSnapshot before, string said) =>
        host.AssertUnchangedSinceAsync(before, said, "/var/lib/natdsa", "/usr/local/sbin", "module dsa_filter");

    private async Task AssertDoneByTheNextAsync()
    {
        var next = await host.RunAsync($"{Cmdlet} @nat -Confirm:0");
        // One that was rolled back is told of first.
        if (next.Errors.Count > 0)
            next = await host.RunAsync($"{Cmdlet} @nat -Confirm:0");
        Assert.True(next.Errors.Count == 0 && next.Output is [{ BaseObject: ChangeResult { Outcome: ChangeOutcome.Done or ChangeOutcome.NothingToDo } }], next.ToString());
        await AssertDoneAsync();
    }

    private async Task PutInTheWayAsync(string program, string arguments, Fault fault)
    {
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

    private static Task WriteTableAsync() => CaseTable.WriteAsync(
        "cases",
        "| cmdlet | host | in the step | what goes wrong | reached by | outcome | the host then |",
        s_seen);
}

/// <summary>Repair-DsaNatHost.</summary>
public abstract class RepairFaultTests(SharedLab host) : FaultTests(host)
{
    /// <inheritdoc/>
    protected override string Cmdlet => "Repair-DsaNatHost";

    /// <inheritdoc/>
    protected override Task PrepareAsync() => Host.BreakAsync();

    /// <summary>The program that a step runs which has to do with services.</summary>
    protected abstract (string Program, string Arguments) CommandOfService(RepairMoment step);

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOf(RepairMoment step) => step switch
    {
        RepairMoment.Check => ("iptables-restore", "--test"),
        RepairMoment.Backup => ("cmp", "'/etc/sysconfig/iptables '*"),
        RepairMoment.Marker => ("chmod", "'0644 /etc/use_dsa_with_iptables'"),
        RepairMoment.Rules => ("iptables-restore", "''"),
        _ => CommandOfService(step),
    };

    /// <inheritdoc/>
    protected override async Task AssertDoneAsync()
    {
        Assert.True((await Host.Lab.FetchAsync()).Answered);
        Assert.Equal(DsaRisk.Protected, (await Host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>().Risk);
    }

    /// <summary>The rules went with the power, and the marker stays: it does no harm, and the next start of the agent erases nothing.</summary>
    protected override async Task AssertAsBeforeBootAsync() =>
        Assert.Equal(NatStatus.Erased, (await Host.RunAsync("Get-NatIptablesState @nat")).Only<NatIptablesState>().Status);

    /// <inheritdoc/>
    protected override Task<string> KeptAsync() => Host.OnNatAsync("sha256sum /etc/sysconfig/iptables /etc/sysconfig/ip6tables");
}

/// <summary>Repair on the init scripts of RHEL 6, and iptables-nft.</summary>
public sealed class SysVFaultTests(SharedLab host) : RepairFaultTests(host), IClassFixture<SharedLab>
{
    /// <summary>Each step with the fault of its number.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() =>
        CasesOf(0, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Marker, RepairMoment.Rules, RepairMoment.Service, RepairMoment.Boot, RepairMoment.Agent);

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

/// <summary>Repair on a system like RHEL 7, with systemd, and iptables-legacy.</summary>
public sealed class Rhel7FaultTests(SharedRhel7LegacyLab host) : RepairFaultTests(host), IClassFixture<SharedRhel7LegacyLab>
{
    /// <summary>Each step with the fault of another number.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() =>
        CasesOf(4, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Marker, RepairMoment.Rules, RepairMoment.Service, RepairMoment.Boot, RepairMoment.Agent);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_repaired(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <summary>The test of rules makes an empty one of such a table, which must not be taken for a change of the host.</summary>
    [Fact]
    public async Task Rules_of_a_table_that_was_never_used_are_loaded()
    {
        await PrepareAsync();
        await Host.OnNatAsync("""
            if grep mangle /proc/net/ip_tables_names; then exit 1; fi
            printf '*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n' >>/etc/sysconfig/iptables
            """);
        Assert.Equal(ChangeOutcome.Done, (await Host.RunAsync($"{Cmdlet} @natPlain -Confirm:0")).Only<RepairResult>().Outcome);
        await Host.OnNatAsync("iptables -t mangle -C PREROUTING -j MARK --set-mark 1");
    }

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfService(RepairMoment step) => step switch
    {
        RepairMoment.Service => ("systemctl", "'start iptables.service'"),
        RepairMoment.Boot => ("systemctl", "'enable iptables.service'"),
        _ => ("systemctl", "'restart ds_agent.service'"),
    };
}

/// <summary>Repair where the rules are ufw's, with fail2ban's on top, on Debian with systemd.</summary>
public sealed class UfwFaultTests(OwnerTests.UfwLab host) : RepairFaultTests(host), IClassFixture<OwnerTests.UfwLab>
{
    /// <summary>Every fault in the owner's reload, or none.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesOf(null, RepairMoment.Owner);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_repaired(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override async Task PrepareAsync()
    {
        await OwnerTests.EnableAsync(Host);
        await Host.Lab.BreakAsync();
    }

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfService(RepairMoment step) => ("ufw", "reload");

    /// <inheritdoc/>
    protected override Task AssertAsBeforeAsync(LabSnapshot before, string said) => OwnerTests.AssertAsBeforeAsync(Host, before, [.. SharedLab.EngineFiles, "/usr/local/sbin"]);

    /// <inheritdoc/>
    protected override Task<string> KeptAsync() => Host.OnNatAsync("sha256sum /etc/ufw/*.rules /etc/ufw/ufw.conf /etc/iptables/*");
}

/// <summary>Restore-NatIptablesState.</summary>
public abstract class RestoreFaultTests(SharedLab host) : FaultTests(host)
{
    private const string Running = "for table in nat filter; do iptables-save -t $table | grep '^-A'; done";

    private string _good = "";

    /// <inheritdoc/>
    protected override string Cmdlet => "Restore-NatIptablesState";

    /// <summary>The back end's front end.</summary>
    protected abstract string Tool { get; }

    /// <inheritdoc/>
    protected override async Task PrepareAsync()
    {
        await Host.RenewAsync();
        _good = await Host.OnNatAsync(Running + "; cat /etc/sysconfig/iptables");
        Assert.True((await Host.RunAsync("Backup-NatIptablesState @nat")).Only<NatBackup>().IsGood);
        // Somebody has broken the rules, and saved that.
        await Host.OnNatAsync("iptables -t nat -F; iptables -A FORWARD -s 192.0.2.0/24 -j DROP; iptables-save >/root/saved; cat /root/saved >/etc/sysconfig/iptables; rm /root/saved");
    }

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOf(RepairMoment step) => step switch
    {
        RepairMoment.Check => ($"{Tool}-restore", "--test"),
        RepairMoment.Backup => ("cmp", "'/etc/sysconfig/iptables '*"),
        RepairMoment.Rules => ($"{Tool}-restore", "''"),
        _ => ("mv", "'-f /etc/sysconfig/iptables.natdsa-'*"),
    };

    /// <inheritdoc/>
    protected override async Task AssertDoneAsync()
    {
        Assert.Equal(_good, await Host.OnNatAsync(Running + "; cat /etc/sysconfig/iptables"));
        Assert.True((await Host.Lab.FetchAsync()).Answered);
    }

    /// <summary>What was persisted then runs.</summary>
    protected override async Task AssertAsBeforeBootAsync() =>
        Assert.Equal("", await Host.OnNatAsync("iptables-save -t nat | grep MASQUERADE || true"));

    /// <summary>The persisted rules and the backup.</summary>
    protected override Task<string> KeptAsync() => Host.OnNatAsync("sha256sum /etc/sysconfig/iptables /etc/sysconfig/ip6tables /var/lib/natdsa/backups/*/*");
}

/// <summary>Restore on the init scripts of RHEL 6, and iptables-nft.</summary>
public sealed class SysVRestoreFaultTests(SharedLab host) : RestoreFaultTests(host), IClassFixture<SharedLab>
{
    /// <summary>Each step with another fault.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesOf(0, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Rules, RepairMoment.Install);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_restored(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override string Tool => "iptables-nft";
}

/// <summary>Restore on a system like RHEL 7, with systemd, and iptables-legacy.</summary>
public sealed class Rhel7RestoreFaultTests(SharedRhel7LegacyLab host) : RestoreFaultTests(host), IClassFixture<SharedRhel7LegacyLab>
{
    /// <summary>Every fault in every step, or none.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesOf(null, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Rules, RepairMoment.Install);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_restored(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override string Tool => "iptables-legacy";
}

/// <summary>Protect-DsaNatHost.</summary>
public abstract class ProtectFaultTests(SharedLab host) : FaultTests(host)
{
    /// <inheritdoc/>
    protected override string Cmdlet => "Protect-DsaNatHost -SaveRules";

    /// <inheritdoc/>
    protected override async Task PrepareAsync()
    {
        await Host.RenewAsync();
        await Host.OnNatAsync($"iptables -A FORWARD -s 192.0.2.0/24 -j DROP; {NotAtBoot}");
    }

    /// <summary>Takes the service out of the boot sequence.</summary>
    protected abstract string NotAtBoot { get; }

    /// <summary>The program that puts it there.</summary>
    protected abstract (string Program, string Arguments) CommandOfBoot { get; }

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOf(RepairMoment step) => step switch
    {
        RepairMoment.Check => ("iptables-restore", "--test"),
        RepairMoment.Backup => ("cmp", "'/etc/sysconfig/iptables '*"),
        RepairMoment.Marker => ("chmod", "'0644 /etc/use_dsa_with_iptables'"),
        RepairMoment.Install => ("mv", "'-f /etc/sysconfig/iptables.natdsa-'*"),
        _ => CommandOfBoot,
    };

    /// <inheritdoc/>
    protected override async Task AssertDoneAsync()
    {
        Assert.Contains("192.0.2.0/24", await Host.Nat.ReadFileAsync("/etc/sysconfig/iptables"), StringComparison.Ordinal);
        await Host.OnNatAsync("test -f /etc/use_dsa_with_iptables && test -f /etc/do_not_open_ports_on_iptables");
    }

    /// <summary>The file is whole. What ran only in the kernel went with the power, and is put there again by hand.</summary>
    protected override async Task AssertAsBeforeBootAsync()
    {
        await Host.OnNatAsync("grep -q MASQUERADE /etc/sysconfig/iptables && iptables-restore </etc/sysconfig/iptables && ip6tables-restore </etc/sysconfig/ip6tables");
        await Host.OnNatAsync("iptables -C FORWARD -s 192.0.2.0/24 -j DROP || iptables -A FORWARD -s 192.0.2.0/24 -j DROP");
    }

    /// <inheritdoc/>
    protected override Task<string> KeptAsync() => Host.OnNatAsync("sha256sum /etc/sysconfig/iptables /etc/sysconfig/ip6tables; iptables-save | grep '^-A'");
}

/// <summary>Protect on the init scripts of RHEL 6, and iptables-nft.</summary>
public sealed class SysVProtectFaultTests(SharedLab host) : ProtectFaultTests(host), IClassFixture<SharedLab>
{
    /// <summary>Each step with another fault.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesOf(4, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Marker, RepairMoment.Install, RepairMoment.Boot);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_protected(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override string NotAtBoot => "chkconfig iptables off; chkconfig ip6tables off";

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfBoot => ("chkconfig", "'iptables on'");
}

/// <summary>Protect on a system like RHEL 7, with systemd, and iptables-legacy.</summary>
public sealed class Rhel7ProtectFaultTests(SharedRhel7LegacyLab host) : ProtectFaultTests(host), IClassFixture<SharedRhel7LegacyLab>
{
    /// <summary>Every fault in every step, or none.</summary>
    public static TheoryData<RepairMoment, Fault> Cases() => CasesOf(null, RepairMoment.Check, RepairMoment.Backup, RepairMoment.Marker, RepairMoment.Install, RepairMoment.Boot);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public Task The_host_ends_as_before_or_protected(RepairMoment step, Fault fault) => RunAsync(step, fault);

    /// <inheritdoc/>
    protected override string NotAtBoot => "systemctl disable iptables.service ip6tables.service";

    /// <inheritdoc/>
    protected override (string Program, string Arguments) CommandOfBoot => ("systemctl", "'enable iptables.service'");
}
