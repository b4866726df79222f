using System.Collections.Concurrent;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>What is wrong with an agent that a repair restarts, or starts.</summary>
public enum AgentFault
{
    /// <summary>Its program is not there any more.</summary>
    Missing,

    /// <summary>Its start fails at once.</summary>
    Exits,

    /// <summary>It ends by itself 1.5 s after its start.</summary>
    Dies,

    /// <summary>What systemd runs before it fails.</summary>
    PreFails,

    /// <summary>Its start does not end.</summary>
    Hangs,

    /// <summary>Its start takes 20 s.</summary>
    Slow20,

    /// <summary>Its start takes 120 s.</summary>
    Slow120,
}

/// <summary>
/// An agent that does not come up after a repair. Whatever it does, the client behind the NAT keeps the internet that
/// it has got back, nobody ends a start, and the administrator is told what is wrong and what to do. An agent 9.6 ran
/// before, and is restarted; an agent 20 did not, and is started. With <c>NATDSA_FAULTS=all</c> every case is run, and
/// the table of docs/safety.md is written.
/// </summary>
public abstract class AgentFaultTests(SharedLab host)
{
    /// <summary>The agent that erases rules.</summary>
    protected const string Old = "9.6.2-7256.el6";

    /// <summary>The agent that does not.</summary>
    protected const string New = "20.0.0-5137.el7";

    private const string Repair = "Repair-DsaNatHost @nat -Confirm:0";

    private static readonly ConcurrentDictionary<string, string> s_seen = new();

    private bool OnSystemd => host.Lab.Options.OnSystemd;

    /// <summary>The cases of a flavor.</summary>
    /// <param name="onSystemd">Whether it has systemd.</param>
    /// <param name="always">Those that are run always.</param>
    protected static TheoryData<string, AgentFault> CasesOf(
        bool onSystemd, params (string Version, AgentFault Fault)[] always)
    {
        var all =
            from version in new[] { Old, New }
            from fault in Enum.GetValues<AgentFault>()
            where onSystemd || fault != AgentFault.PreFails
            select (version, fault);
        return [.. FaultTests.All ? all : always];
    }

    /// <summary>One case.</summary>
    protected async Task RunAsync(string version, AgentFault fault)
    {
        await BreakAsync(version);
        Assert.False((await host.Lab.FetchAsync()).Answered);
        await host.Lab.SetFaultAsync("restart", fault switch
        {
            AgentFault.Missing => "missing",
            AgentFault.Exits => "fail",
            AgentFault.Dies => "die",
            AgentFault.PreFails => "pre-fail",
            AgentFault.Hangs => "hang",
            AgentFault.Slow20 => "slow-20",
            _ => "slow-120",
        });

        var answer = await host.RunAsync($"{Repair} -TimeoutSec {(fault == AgentFault.Hangs ? 36 : 300)}");
        Assert.True((await host.Lab.FetchAsync()).Answered, answer.ToString());
        var repair = answer.Output.Select(one => one.BaseObject).OfType<RepairResult>().Single();
        Assert.Equal(version == Old ? "RestartAgent" : "StartAgent", repair.Steps[^1].Name);
        var errorId = answer.Errors.Count == 0 ? null : answer.ErrorId;
        AssertTold(fault, version, errorId, repair);
        await host.OnNatAsync(
            $"test ! -e /run/lab/ds_agent.signals{(version == Old ? " && test -f /etc/use_dsa_with_iptables" : "")}");
        await AssertWhatComesNextAsync(fault, errorId is null);
        s_seen[$"| {host.Lab.Options} | {version} | {fault}"] =
            $" | {repair.Outcome} | {errorId} | {repair.Reason.Replace('|', '/')} |";
        if (FaultTests.All)
        {
            await CaseTable.WriteAsync(
                "agent",
                "| host | agent | what goes wrong | outcome | error | what is said |",
                s_seen);
        }
    }

    private void AssertTold(AgentFault fault, string version, string? errorId, RepairResult repair)
    {
        // systemd itself ends a start that takes longer than its unit allows, 90 s.
        if (fault == AgentFault.Slow20 || (fault == AgentFault.Slow120 && !OnSystemd))
        {
            Assert.Equal((ChangeOutcome.Done, null), (repair.Outcome, errorId));
            return;
        }

        Assert.Equal((ChangeOutcome.Incomplete, "AgentRestartFailed"), (repair.Outcome, errorId));
        Assert.Contains("NAT is back and stays.", repair.Reason, StringComparison.Ordinal);
        Assert.Contains(
            version == Old ? "the marker is there." : "this version erases no rules.",
            repair.Reason,
            StringComparison.Ordinal);
        var start = OnSystemd ? "systemctl start ds_agent" : "/etc/init.d/ds_agent start";
        string[] said = fault switch
        {
            AgentFault.Hangs => ["ds_agent is still starting", "no end within", "Get-DsaAgentState"],
            AgentFault.Dies => ["ds_agent does not run", "no licence for this day", $"then start it ({start})"],
            _ => ["ds_agent does not run", "exit code", $"then start it ({start})"],
        };
        Assert.All(said, words => Assert.Contains(words, repair.Reason, StringComparison.Ordinal));
    }

    private async Task AssertWhatComesNextAsync(AgentFault fault, bool runs)
    {
        var state = (await host.RunAsync("Get-DsaAgentState @nat")).Only<DsaAgentState>();
        Assert.Equal((runs, true), (state.Running, state.StartsAtBoot));
        if (runs)
            return;
        if (fault == AgentFault.Hangs)
        {
            // It is not started a second time beside the first.
            Assert.Contains("still starting", state.Reason, StringComparison.Ordinal);
            var again = await host.RunAsync(Repair);
            Assert.Equal("AgentRestartFailed", again.ErrorId);
            Assert.Empty(again.Despite<RepairResult>().Steps);
            return;
        }

        Assert.Contains("does not run", state.Reason, StringComparison.Ordinal);
        if (fault == AgentFault.Missing)
            return;
        await host.OnNatAsync("rm -rf /etc/systemd/system/ds_agent.service.d");
        if (OnSystemd)
            await host.OnNatAsync("systemctl daemon-reload");
        await host.Lab.SetFaultAsync("restart", "work");
        var next = (await host.RunAsync(Repair)).Only<RepairResult>();
        Assert.Equal((ChangeOutcome.Done, "StartAgent"), (next.Outcome, next.Steps[^1].Name));
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    private async Task BreakAsync(string version)
    {
        if (version == Old)
        {
            await host.BreakAsync(version);
            return;
        }

        await host.RenewAsync();
        await host.Lab.InstallAgentAsync(version);
        await host.OnNatAsync(
            $"{(OnSystemd ? "systemctl stop ds_agent" : "/etc/init.d/ds_agent stop")}; iptables -t nat -F");
    }
}

/// <summary>On the init scripts of RHEL 6.</summary>
public sealed class SysVAgentFaultTests(SharedLab host) : AgentFaultTests(host), IClassFixture<SharedLab>
{
    /// <summary>The cases.</summary>
    public static TheoryData<string, AgentFault> Cases() =>
        CasesOf(onSystemd: false, (Old, AgentFault.Exits), (Old, AgentFault.Dies), (New, AgentFault.Missing));

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_client_keeps_its_internet(string version, AgentFault fault) => RunAsync(version, fault);
}

/// <summary>On a system like RHEL 7, with systemd.</summary>
public sealed class Rhel7AgentFaultTests(SharedRhel7Lab host) : AgentFaultTests(host), IClassFixture<SharedRhel7Lab>
{
    /// <summary>The cases.</summary>
    public static TheoryData<string, AgentFault> Cases() =>
        CasesOf(onSystemd: true, (Old, AgentFault.Hangs), (Old, AgentFault.Slow20), (New, AgentFault.PreFails));

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_client_keeps_its_internet(string version, AgentFault fault) => RunAsync(version, fault);
}

/// <summary>On Debian's init scripts.</summary>
public sealed class DebianAgentFaultTests(SharedDebianLab host) : AgentFaultTests(host), IClassFixture<SharedDebianLab>
{
    /// <summary>Every case, or none.</summary>
    public static TheoryData<string, AgentFault> Cases() => CasesOf(onSystemd: false);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public Task The_client_keeps_its_internet(string version, AgentFault fault) => RunAsync(version, fault);
}

/// <summary>On Debian with systemd.</summary>
public sealed class SystemdAgentFaultTests(SharedSystemdLab host)
    : AgentFaultTests(host), IClassFixture<SharedSystemdLab>
{
    /// <summary>Every case, or none.</summary>
    public static TheoryData<string, AgentFault> Cases() => CasesOf(onSystemd: true);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public Task The_client_keeps_its_internet(string version, AgentFault fault) => RunAsync(version, fault);
}
