using System.Management.Automation;

namespace NatDsa.Views;

/// <summary>How the views show a difference.</summary>
public static class Drift
{
    /// <summary>What the reference has behind a <c>-</c>, and what is there behind a <c>+</c>; what moved stands once.</summary>
    /// <param name="difference">A <see cref="RuleDifference"/>.</param>
    public static string Of(object? difference)
    {
        if ((difference is PSObject wrapped ? wrapped.BaseObject : difference) is not RuleDifference its)
            return "";
        string? before = its.Before is null ? null : Untrusted.OneLine(its.Before), now = its.Now is null ? null : Untrusted.OneLine(its.Now);
        if (its.Kind == RuleDifferenceKind.Moved)
            return now ?? "";
        if (its.Kind == RuleDifferenceKind.ChainChanged)
            return string.Join(", ", its.ChangedFields);
        IEnumerable<string> lines = [.. before is null ? (string[])[] : ["- " + before], .. now is null ? (string[])[] : ["+ " + now]];
        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>The rule's number; where it is another in the reference, both: <c>3 > 1</c>.</summary>
    /// <param name="difference">A <see cref="RuleDifference"/>.</param>
    public static string NumberOf(object? difference) =>
        (difference is PSObject wrapped ? wrapped.BaseObject : difference) is not RuleDifference its ? ""
        : its is { Number: { } now, ReferenceNumber: { } before } && now != before ? $"{before} > {now}"
        : $"{its.Number ?? its.ReferenceNumber}";
}
