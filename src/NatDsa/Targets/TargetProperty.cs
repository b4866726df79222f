using System.Management.Automation;

namespace NatDsa.Targets;

/// <summary>The hidden properties of every object that comes from a host: NatDsa.Types.ps1xml names them.</summary>
public static class TargetProperty
{
    /// <summary>How the object's host was reached; null for what comes from a file or a text.</summary>
    public static object? Of(PSObject instance) => (instance?.BaseObject as HostRecord)?.Origin;

    /// <summary>
    /// Whether the object's host was the machine itself. Who receives the object elsewhere must not take its name for a
    /// way there.
    /// </summary>
    public static bool IsLocal(PSObject instance) => Of(instance) is LocalTarget;
}
