using System.Management.Automation;

namespace NatDsa.Targets;

/// <summary>The hidden property <c>Target</c> of every object that comes from a host: NatDsa.Types.ps1xml names it.</summary>
public static class TargetProperty
{
    /// <summary>How the object's host was reached; null for what comes from a file or a text.</summary>
    public static object? Of(PSObject instance) => (instance?.BaseObject as HostRecord)?.Origin;
}
