namespace NatDsa.Repair;

/// <summary>What the administrator asked for.</summary>
/// <param name="NewRules">The text of an iptables-save file to make the persisted rules; null: the host's own persisted rules.</param>
/// <param name="NewRulesPath">Where that text was read from, for messages.</param>
/// <param name="SkipAgentRestart">Leave the agent as it is.</param>
/// <param name="Force">
/// Load those rules where all of their source NAT runs already, and over the rules of others, too.
/// </param>
/// <param name="UndoOnAgentFailure">Undo the repair when the agent does not come up.</param>
internal sealed record RepairOptions(
    string? NewRules = null,
    string? NewRulesPath = null,
    bool SkipAgentRestart = false,
    bool Force = false,
    bool UndoOnAgentFailure = false);
