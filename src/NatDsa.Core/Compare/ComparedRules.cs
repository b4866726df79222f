using NatDsa.Netfilter;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>One side of a comparison: rules, and how much of a host they are.</summary>
/// <param name="Name">What to call it: a host, a file, a folder; null for an object without a name.</param>
/// <param name="Rulesets">What was read.</param>
/// <param name="IsWhole">Whether these are all the rules that there are, of both families and every back end, as of a host; a file tells of its own only.</param>
internal sealed record ComparedRules(string? Name, IReadOnlyList<Ruleset> Rulesets, bool IsWhole)
{
    /// <summary>Why part of it is not known, so that nothing can be said to be the same; null when all is.</summary>
    public Fault? Unread { get; init; }

    /// <summary>The host that they are of; null for files and texts.</summary>
    public string? ComputerName { get; init; }

    /// <summary>A backup: a host as it was.</summary>
    public static ComparedRules Of(NatBackup backup) => new(backup.Path ?? backup.ToString(), backup.Rulesets, IsWhole: true)
    {
        ComputerName = backup.ComputerName,
        Unread = backup.Status == NatStatus.Unknown ? new Fault(ErrorIds.StateUnknown, Messages.CompareUnknown.With(backup.Path ?? backup.ToString(), backup.Status)) : null,
    };

    /// <summary>A host, as it was read; a state that is of a text, as that text.</summary>
    public static ComparedRules Of(NatIptablesState state) => new(state.ComputerName ?? state.Path, state.Rulesets, state.ComputerName is not null)
    {
        ComputerName = state.ComputerName,
        Unread = state.Unread ?? (state.Status == NatStatus.Unknown ? state.Fault ?? new Fault(ErrorIds.StateUnknown, Messages.CompareUnknown.With(state.ComputerName ?? state.Path, state.Reason)) : null),
    };

    /// <summary>Why these rules cannot be compared; null when they can.</summary>
    public Fault? WhyNot()
    {
        if (Unread is not null)
            return Unread;
        string name = Name ?? Messages.PipelineText;
        foreach (Ruleset ruleset in Rulesets)
        {
            if (ruleset.IsPartial)
                return new Fault(ErrorIds.RulesetSyntax, Messages.ComparePartial.With(name, ruleset.Errors.Count > 0 ? ruleset.Errors[0].Message : Messages.TextCutOff));
            // nft shows what iptables says it cannot.
            foreach (string table in ruleset.UnreadableTables)
            {
                if (!Rulesets.Any(other => other.Format == RulesetFormat.NftJson && other != ruleset && other.FindTable(table) is not null))
                    return new Fault(ErrorIds.StateUnknown, Messages.CompareUnknown.With(name, Messages.NatUnknownUnreadableTable.With(table)));
            }
        }

        return null;
    }
}
