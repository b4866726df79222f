using System.Management.Automation;

namespace NatDsa.Views;

/// <summary>How the views show text that a host or a file has chosen.</summary>
public static class Shown
{
    /// <summary>The value on one line, without what could drive a terminal. The object itself keeps every byte.</summary>
    /// <param name="value">A rule's part, such as its options; null is nothing.</param>
    public static string Of(object? value) =>
        Untrusted.OneLine((value is PSObject wrapped ? wrapped.BaseObject : value)?.ToString() ?? "");
}
