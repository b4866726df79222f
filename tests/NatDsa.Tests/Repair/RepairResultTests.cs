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

    private static RepairResult Read(HostSnapshot answer)
    {
        Answer erased = Host().With("save.iptables", "").With("service", "systemd=no\nscript.iptables=/etc/init.d/iptables\nboot.iptables=yes\n").With("file./etc/sysconfig/iptables", Nat);
        return new RepairResult(ChangeEnd.Read(RepairPlan.For(erased.Snapshot(), new RepairOptions()), TransactionReport.Read(answer, Answer.Nonce)));
    }
}
