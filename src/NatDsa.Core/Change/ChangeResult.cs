using NatDsa.Change;

namespace NatDsa;

/// <summary>What a change did to one host.</summary>
public abstract class ChangeResult : HostRecord
{
    private protected ChangeResult(ChangeEnd end)
    {
        End = end;
        ComputerName = end.Host.ComputerName;
        Origin = end.Host.Origin;
    }

    /// <summary>How it ended.</summary>
    public ChangeOutcome Outcome => End.Verdict.Outcome;

    /// <summary>Why it ended so, in words.</summary>
    public string Reason => End.Verdict.Reason;

    /// <summary>Whether NAT worked before.</summary>
    public NatStatus Before => RulesBefore.Status;

    /// <summary>Whether NAT worked when the rules were read again at the end; as before when nothing changed.</summary>
    public NatStatus After => RulesAfter.Status;

    /// <summary>What the agent would do to the rules before.</summary>
    public DsaRisk RiskBefore => End.AgentBefore.Risk;

    /// <summary>What it would do to them now.</summary>
    public DsaRisk RiskAfter => End.AgentAfter.Risk;

    /// <summary>The steps, in order, with what the host printed.</summary>
    public ReadableList<ChangeStep> Steps => [.. End.Steps];

    /// <summary>What proved that the host can still be reached with the rules that were loaded.</summary>
    public RuleConfirmation Confirmation => End.Confirmation;

    /// <summary>Whether the host would come up right after a reboot; null when that could not be read, or nothing was done.</summary>
    public BootReadiness? AfterReboot => End.AfterReboot;

    /// <summary>The folder on the host that holds what was there before; null when nothing was changed.</summary>
    public string? BackupPath => End.Folder;

    /// <summary>The rules: <see cref="Before"/>, as scripts see it.</summary>
    internal NatIptablesState RulesBefore => End.Before;

    /// <summary>The rules: <see cref="After"/>, as scripts see it.</summary>
    internal NatIptablesState RulesAfter => End.After;

    /// <summary>What to report as an error; null when all went well.</summary>
    internal Fault? Fault => End.Verdict.ErrorId is { } id ? new Fault(id, Reason) : null;

    private protected ChangeEnd End { get; }
}
