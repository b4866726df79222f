using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using NatDsa.Resources;

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
/// Makes sessions of what is bound, one or a list of any kind, and leaves everything else as it is: PowerShell then
/// looks for another parameter that takes it, which an error would end.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class HostSessionAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var sessions = new List<HostSession>();
        return TryAdd(inputData, sessions, depth: 0) && sessions.Count > 0 ? sessions.ToArray() : inputData;
    }

    // A list may hold lists: -Session $sessions, $SshSessions.
    private static bool TryAdd(object? value, List<HostSession> sessions, int depth)
    {
        if (HostSession.Of(value) is { } session)
        {
            sessions.Add(session);
            return true;
        }

        object? bare = value is PSObject wrapped ? wrapped.BaseObject : value;
        // No other parameter takes it, and what to give instead is known.
        if (bare is not null && PoshSshTarget.IsPartOfSession(bare))
            throw new ArgumentTransformationMetadataException(Messages.PartOfSession.With(bare.GetType().Name));
        return depth <= 1
            && bare is IEnumerable and not (string or IDictionary)
            && ((IEnumerable)bare).Cast<object?>().All(item => TryAdd(item, sessions, depth + 1));
    }
}
