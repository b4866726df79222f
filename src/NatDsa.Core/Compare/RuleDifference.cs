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
    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

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
    public int? Number => FoundRule?.Number;

    /// <summary>The place in the reference's chain of the rule that it has, from 1; null when it has none.</summary>
    public int? ReferenceNumber => ExpectedRule?.Number;

    /// <summary>The rule; null when it was removed, and for differences of chains and tables.</summary>
    public string? Rule => FoundRule?.ToString();

    /// <summary>The reference's rule; null when the rule was added, and for differences of chains and tables.</summary>
    public string? ReferenceRule => ExpectedRule?.ToString();

    /// <summary>The chain's policy; null when it has none, or the difference is about something else.</summary>
    public string? Policy { get; init; }

    /// <summary>The policy in the reference.</summary>
    public string? ReferencePolicy { get; init; }

    /// <summary>
    /// The properties of <see cref="Rule"/> in which a changed rule is another: <c>Source</c>, <c>Out</c>, <c>Target</c>, <c>Matches</c>, …; of a
    /// changed chain <c>Hook</c>, <c>HookType</c>, <c>Priority</c>.
    /// </summary>
    public ReadableList<string> ChangedFields { get; init; } = [];

    /// <summary>
    /// The place, <c>nat POSTROUTING 2</c>; of what has moved the old number and the new one,
    /// <c>nat POSTROUTING 3 > 1</c>. Under it stands what the reference has there behind a <c>-</c>, and what is there
    /// behind a <c>+</c>; what has moved stands once.
    /// </summary>
    public string Difference
    {
        get
        {
            string? before = Before is null ? null : Untrusted.OneLine(Before);
            string? now = Now is null ? null : Untrusted.OneLine(Now);
            IEnumerable<string> lines = Kind switch
            {
                RuleDifferenceKind.Moved => [now ?? ""],
                RuleDifferenceKind.ChainChanged => [string.Join(", ", ChangedFields)],
                _ => [.. before is null ? (string[])[] : ["- " + before], .. now is null ? (string[])[] : ["+ " + now]],
            };
            return string.Join('\n', lines.Prepend(Untrusted.OneLine(Place)));
        }
    }

    /// <summary>The rule itself: <see cref="Rule"/>, as scripts see it.</summary>
    internal Rule? FoundRule { get; init; }

    /// <summary>The reference's rule itself: <see cref="ReferenceRule"/>, as scripts see it.</summary>
    internal Rule? ExpectedRule { get; init; }

    /// <summary>On one line: <c>nat POSTROUTING 2 Changed: -s 10.0.0.0/16 -j MASQUERADE → -s 10.0.0.0/8 -j MASQUERADE</c>.</summary>
    public override string ToString()
    {
        string what = Before is null || Now is null || Before == Now ? Now ?? Before ?? "" : $"{Before} → {Now}";
        return what.Length == 0 ? $"{PlaceNow} {Kind}" : $"{PlaceNow} {Kind}: {what}";
    }

    /// <summary>What the reference says at this place, as short as it can be said; null when that is nothing.</summary>
    private string? Before => Said(ExpectedRule, ReferencePolicy);

    /// <summary>What stands there now.</summary>
    private string? Now => Said(FoundRule, Policy);

    private string PlaceNow => $"{InChain}{((Number ?? ReferenceNumber) is { } number ? $" {number}" : "")}";

    private string Place =>
        Number is { } now && ReferenceNumber is { } before && now != before ? $"{InChain} {before} > {now}" : PlaceNow;

    private string InChain => Chain is null ? Table : $"{Table} {Chain}";

    private string? Said(Rule? rule, string? policy) =>
        rule is null ? policy
        : Kind == RuleDifferenceKind.CountersChanged ? $"[{rule.Packets}:{rule.Bytes}] {RuleFields.Specification(rule)}"
        : RuleFields.Specification(rule);
}
