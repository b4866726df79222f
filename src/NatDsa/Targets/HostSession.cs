using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace NatDsa.Targets;

/// <summary>A session that somebody has opened to a host: a <see cref="PSSession"/>, or one of Posh-SSH.</summary>
public sealed class HostSession
{
    private HostSession(HostTarget target) => Target = target;

    internal HostTarget Target { get; }

    /// <summary>The session that an object is; null when it is none.</summary>
    internal static HostSession? Of(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        HostSession session => session,
        PSSession session => new HostSession(new SessionTarget(session)),
        null or string or HostRecord => null,
        { } other => PoshSshTarget.Of(other) is { } target ? new HostSession(target) : null,
    };
}

/// <summary>
/// Makes sessions of what is bound, and leaves everything else as it is: PowerShell then looks for another parameter that takes it,
/// which an error would end.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class HostSessionAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (HostSession.Of(inputData) is { } one)
            return new[] { one };
        if ((inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is not object[] several)
            return inputData;
        HostSession?[] sessions = [.. several.Select(HostSession.Of)];
        return sessions.Length > 0 && Array.TrueForAll(sessions, s => s is not null) ? sessions : inputData;
    }
}
