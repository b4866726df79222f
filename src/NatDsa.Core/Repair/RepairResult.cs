using NatDsa.Change;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>What a repair did to one host.</summary>
public sealed class RepairResult : ChangeResult
{
    internal RepairResult(ChangeEnd end)
        : base(end)
    {
    }

    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>The request made behind the NAT with <c>-VerifyFrom</c>.</summary>
    public NatEgressResult? Egress { get; init; }

    /// <summary>The same result, with what the request behind the NAT says of it.</summary>
    internal RepairResult With(NatEgressResult egress) =>
        egress.Succeeded ? new RepairResult(End with { Verdict = End.Verdict with { Reason = Messages.RepairProven.With(Reason, egress.ComputerName, egress.Reason) } }) { Egress = egress }
        : NotVerified(Messages.RepairEgressFailed.With(ComputerName, egress.ComputerName, egress.Uri, egress.Reason), egress);

    /// <summary>The same result, when the host behind the NAT could not be asked at all.</summary>
    /// <param name="verifier">The host behind the NAT.</param>
    /// <param name="why">Why it could not be asked.</param>
    internal RepairResult Unverified(string verifier, string why) =>
        NotVerified(Messages.RepairNotVerified.With(ComputerName, verifier, why), egress: null);

    private RepairResult NotVerified(string reason, NatEgressResult? egress) =>
        new(End with { Verdict = new(ChangeOutcome.Incomplete, reason, End.Verdict.ErrorId ?? ErrorIds.EgressFailed) }) { Egress = egress };
}
