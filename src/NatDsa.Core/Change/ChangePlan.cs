using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Change;

/// <summary>What a cmdlet will do to one host, worked out from what was read of it.</summary>
/// <param name="host">What was read.</param>
internal abstract class ChangePlan(HostSnapshot host)
{
    /// <summary>What was read.</summary>
    public HostSnapshot Host { get; } = host;

    /// <summary>The rules as they are.</summary>
    public NatIptablesState Before { get; } = NatIptablesState.Read(host);

    /// <summary>The agent as it is.</summary>
    public DsaAgentState Agent { get; } = DsaAgentState.Read(host);

    /// <summary>The steps, in order; empty when nothing is to be done.</summary>
    public IReadOnlyList<ChangeStep> Steps { get; protected set; } = [];

    /// <summary>Why nothing will be done although something should be; null when the plan can be carried out.</summary>
    public Fault? Refusal { get; protected set; }

    /// <summary>The error when a step fails.</summary>
    public abstract string FailureId { get; }

    /// <summary>Whether rules are loaded that the host did not have.</summary>
    public virtual bool LoadsNewRules => false;

    /// <summary>The plan as a change of the host.</summary>
    public abstract Transaction ToTransaction();

    /// <summary>What is to be said when the steps are done, or there were none.</summary>
    /// <param name="after">The rules now.</param>
    /// <param name="agent">The agent now.</param>
    /// <param name="done">The steps that were done, in words; null when there were none.</param>
    /// <param name="now">What was read at the end.</param>
    public abstract ChangeVerdict Judge(NatIptablesState after, DsaAgentState agent, string? done, HostSnapshot now);

    /// <summary>What the host looked like when the plan was made, as a number.</summary>
    public string Digest => HostDigest.Of(Host.Answer);

    /// <summary>The id of a change that was at work on the host when the plan was made; null when there was none.</summary>
    public string? OtherChange => Host.Answer["change.transaction"]?.Facts().LastOrDefault(f => f.Key == "atwork").Value;

    private protected string Name => Host.ComputerName ?? "";

    /// <summary>Why a host cannot be changed, whatever is to be done there.</summary>
    private protected Fault? WhyNotAtAll()
    {
        if (!Host.IsLinux)
            return new Fault(ErrorIds.NotLinux, Messages.NotLinux.With(Name));
        if (!Host.IsRoot)
            return new Fault(ErrorIds.PermissionDenied, Messages.ChangeNeedsRoot.With(Name));
        if (Before.Status == NatStatus.Unknown)
            return Before.Fault ?? new Fault(ErrorIds.StateUnknown, Messages.ChangeStateUnknown.With(Name, Before.Reason));
        return null;
    }

    /// <summary>The programs that run there and make rules of their own.</summary>
    private protected IEnumerable<string> OwningProcesses() =>
        Host.Answer["service"]?.Facts().Where(f => f.Key == "owner").Select(f => f.Value).Distinct() ?? [];

    private protected bool Changes(string scriptName) => Steps.Any(s => s.ScriptName == scriptName);

    private protected static ChangeStep Step(string name, string scriptName, string reason, string command, string? undo = null) =>
        new() { Name = name, ScriptName = scriptName, Reason = reason, Command = command, Undo = undo };
}

/// <summary>What is to be said of a change that was carried out.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why it ended so.</param>
/// <param name="ErrorId">The error to report; null: none.</param>
internal readonly record struct ChangeVerdict(ChangeOutcome Outcome, string Reason, string? ErrorId = null)
{
    /// <summary>The fault as the verdict on a change that is not what it should be.</summary>
    public static ChangeVerdict Incomplete(Fault fault) => new(ChangeOutcome.Incomplete, fault.Message, fault.ErrorId);
}
