using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Repair;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Repair;

public sealed class RepairResultTests
{
    private const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Done = "outcome=done\nstep=\nfolder=/var/lib/natdsa/id\n";

    [Fact]
    public void A_repair_after_which_NAT_works_is_no_error()
    {
        RepairResult result = Read(Host().With("outcome", Done).With("save.iptables", Nat).Snapshot());
        Assert.Equal((ChangeOutcome.Done, (string?)null), (result.Outcome, result.Fault?.ErrorId));
    }

    [Theory]
    [InlineData("", 0, NatStatus.Erased, ErrorIds.RepairFailed)]
    [InlineData("", 1, NatStatus.Unknown, ErrorIds.StateUnknown)]
    public void All_steps_done_and_still_no_NAT_is_an_error(string rules, int exitCode, NatStatus after, string errorId)
    {
        RepairResult result = Read(Host().With("outcome", Done).With("save.iptables", rules, exitCode).Snapshot());
        Assert.Equal((ChangeOutcome.Incomplete, after, errorId), (result.Outcome, result.After, result.Fault?.ErrorId));
    }

    [Fact]
    public void Forwarding_that_is_off_is_an_error_although_there_was_nothing_to_do()
    {
        RepairResult result = new(ChangeEnd.WithoutSteps(RepairPlan.For(Host("0").With("save.iptables", Nat).Snapshot(), new RepairOptions())));
        Assert.Equal((ChangeOutcome.Incomplete, ErrorIds.RepairFailed), (result.Outcome, result.Fault?.ErrorId));
    }

    /// <summary>Whether the agent runs is seen after all else: it may have come up meanwhile.</summary>
    [Theory]
    [InlineData("failed", "no", "no", """
        NAT is back and stays. ds_agent does not run: no such day. Mend it, then start it (/etc/init.d/ds_agent start);
        the marker is there.
        """)]
    [InlineData("starting", "no", "yes", """
        NAT is back and stays. ds_agent is still starting, and goes on with that: no such day.
        See with Get-DsaAgentState whether it comes up; the marker is there.
        """)]
    [InlineData("starting", "yes", "no", """
        NAT is back and stays. ds_agent runs now, but its start did not end well: no such day.
        See that it keeps running with Get-DsaAgentState; the marker is there.
        """)]
    [InlineData("died", "no", "no", """
        NAT is back and stays. ds_agent does not run: nobody saw how its start ended, for the program on the host that
        waited for it was killed. Mend it, then start it (/etc/init.d/ds_agent start); the marker is there.
        """)]
    [InlineData("erased", "yes", "no", """
        ds_agent erased the rules when it started, although the marker is there. They were loaded once more, and are in
        place; its next start may erase them again. Turn its Firewall and Intrusion Prevention off in the Manager, or
        update it to 10.2 or later. The host said: no such day
        """)]
    public void An_agent_that_does_not_come_up_leaves_NAT_and_is_told_of(
        string cause, string running, string starting, string said)
    {
        RepairResult result = Read(
            Answer.OfLinux().WithMarker("stat=regular empty file|0|0|644|0|1700000000|root|root\n")
                .With("agent.files", $"exists=/opt/ds_agent\nrunning={running}\nstarting={starting}\nboot=yes\n")
                .With("agent.rpm", "9.6.2-7256.el6\n")
                .With("outcome", $"outcome=done\nstep=agent-restart\ncause={cause}\nfolder=/var/lib/natdsa/id\n")
                .With("step.agent-restart", "began=1\nended=2\nno such day.\n", 1)
                .With("save.iptables", Nat).Snapshot(),
            Host().With("agent.files", "exists=/opt/ds_agent\nrunning=yes\n").With("agent.rpm", "9.6.2-7256.el6\n"));
        Assert.Equal((ChangeOutcome.Incomplete, ErrorIds.AgentRestartFailed), (result.Outcome, result.Fault?.ErrorId));
        Assert.EndsWith(": " + said.ReplaceLineEndings(" "), result.Reason, StringComparison.Ordinal);
        Assert.Equal(ChangeStepStatus.Failed, result.Steps[^1].Status);
    }

    [Fact]
    public void An_answer_that_breaks_off_is_never_a_repair()
    {
        string answer = Host().With("outcome", Done).With("save.iptables", Nat).Text;
        for (int length = 0; length < answer.Length; length += 7)
        {
            RepairResult result = Read(Answer.Read(answer[..length]));
            Assert.Equal((false, true), (result.Outcome == ChangeOutcome.Done, result.Fault is not null));
        }
    }

    private static Answer Host(string forwarding = "1") => Answer.OfLinux(forwarding: forwarding).WithMarker().With("agent.files", "running=no\n");

    private static RepairResult Read(HostSnapshot answer, Answer? before = null)
    {
        Answer erased = (before ?? Host()).With("save.iptables", "")
            .With("service", "systemd=no\nscript.iptables=/etc/init.d/iptables\nboot.iptables=yes\n")
            .With("file./etc/sysconfig/iptables", Nat);
        return new RepairResult(ChangeEnd.Read(RepairPlan.For(erased.Snapshot(), new RepairOptions()), TransactionReport.Read(answer, Answer.Nonce)));
    }
}
