using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>What is different.</summary>
public enum RuleDifferenceKind
{
    /// <summary>A rule that the reference does not have.</summary>
    Added,

    /// <summary>A rule of the reference that is not there.</summary>
    Removed,

    /// <summary>The same rule at another place of its chain: others that stayed in order stand before or behind it now.</summary>
    Moved,

    /// <summary>At a rule's place, between the same neighbours, stands one that is like it but for <see cref="RuleDifference.ChangedFields"/>.</summary>
    Changed,

    /// <summary>A chain that the reference does not have. Its rules are <see cref="Added"/>.</summary>
    ChainAdded,

    /// <summary>A chain of the reference that is not there. Its rules are <see cref="Removed"/>.</summary>
    ChainRemoved,

    /// <summary>A native nft base chain with another hook, type or priority.</summary>
    ChainChanged,

    /// <summary>A built-in chain with another policy.</summary>
    PolicyChanged,

    /// <summary>A table that the reference does not have, or has without a rule.</summary>
    TableAdded,

    /// <summary>A table with rules in the reference that is not there.</summary>
    TableRemoved,

    /// <summary>The same rule, or chain, with other packet and byte counters. Looked for only when that is asked for.</summary>
    CountersChanged,
}

/// <summary>One difference between rules and a reference: what the reference has is how it should be, or was.</summary>
public sealed class RuleDifference : HostRecord
{
    /// <summary>What is different.</summary>
    public required RuleDifferenceKind Kind { get; init; }

    /// <summary>What it was compared with: a file, a folder, a host, or <c>persisted</c>; null for an object without a name.</summary>
    public string? ReferenceName { get; init; }

    /// <summary>The file that the rules are from; null for hosts and text.</summary>
    public string? Path { get; init; }

    /// <summary>
    /// Whose table it is: <c>iptables</c>, <c>iptables-nft</c>, <c>iptables-legacy</c>, the same of <c>ip6tables</c>, or <c>nft</c>; null where
    /// the rules are from a text that does not tell.
    /// </summary>
    public string? BackEnd { get; init; }

    /// <summary>Whose packets the table sees.</summary>
    public required NetfilterFamily Family { get; init; }

    /// <summary>The table.</summary>
    public required string Table { get; init; }

    /// <summary>The chain; null when the difference is about a table.</summary>
    public string? Chain { get; init; }

    /// <summary>The rule's place in the chain, from 1; null when there is no such rule.</summary>
    public int? Number => Rule?.Number;

    /// <summary>The place in the reference's chain of the rule that it has, from 1; null when it has none.</summary>
    public int? ReferenceNumber => ReferenceRule?.Number;

    /// <summary>The rule; null when it was removed, and for differences of chains and tables.</summary>
    public Rule? Rule { get; init; }

    /// <summary>The reference's rule; null when the rule was added, and for differences of chains and tables.</summary>
    public Rule? ReferenceRule { get; init; }

    /// <summary>The chain's policy; null when it has none, or the difference is about something else.</summary>
    public string? Policy { get; init; }

    /// <summary>The policy in the reference.</summary>
    public string? ReferencePolicy { get; init; }

    /// <summary>
    /// The properties of <see cref="Rule"/> in which a changed rule is another: <c>Source</c>, <c>Out</c>, <c>Target</c>, <c>Matches</c>, …; of a
    /// changed chain <c>Hook</c>, <c>HookType</c>, <c>Priority</c>.
    /// </summary>
    public IReadOnlyList<string> ChangedFields { get; init; } = [];

    /// <summary>On one line: <c>nat POSTROUTING 2 Changed: -s 10.0.0.0/16 -j MASQUERADE → -s 10.0.0.0/8 -j MASQUERADE</c>.</summary>
    public override string ToString()
    {
        string place = Chain is null ? Table : $"{Table} {Chain}";
        string number = (Number ?? ReferenceNumber) is { } one ? $" {one}" : "";
        string what = Before is null || Now is null || Before == Now ? Now ?? Before ?? "" : $"{Before} → {Now}";
        return what.Length == 0 ? $"{place}{number} {Kind}" : $"{place}{number} {Kind}: {what}";
    }

    /// <summary>What the reference says at this place, as short as it can be said; null when that is nothing.</summary>
    internal string? Before => Said(ReferenceRule, ReferencePolicy);

    /// <summary>What stands there now.</summary>
    internal string? Now => Said(Rule, Policy);

    private string? Said(Rule? rule, string? policy) =>
        rule is null ? policy
        : Kind == RuleDifferenceKind.CountersChanged ? $"[{rule.Packets}:{rule.Bytes}] {RuleFields.Specification(rule)}"
        : RuleFields.Specification(rule);
}
