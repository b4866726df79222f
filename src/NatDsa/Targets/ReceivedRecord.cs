using System.Collections;
using System.Management.Automation;
using System.Net;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>
/// What is left of an object of this module when a file, a job or a remote PowerShell has handed it on: it does not
/// know any more how its host was reached. Its host's name is a way there, with the parameters that are typed, unless it
/// is no name to anybody else.
/// </summary>
internal sealed class ReceivedRecord : HostRecord
{
    private const string TypeName = "Deserialized." + nameof(NatDsa) + "." + nameof(HostRecord);

    private ReceivedRecord(string why) => Why = why;

    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>Why its host cannot be reached again.</summary>
    public string Why { get; }

    /// <summary>The object, if it names no host that can be reached again; null for every other one.</summary>
    public static ReceivedRecord? OfNoHost(object? value)
    {
        if (value is not PSObject received || !received.TypeNames.Contains(TypeName))
            return null;
        if (received.Properties[nameof(ComputerName)]?.Value is not string { Length: > 0 } name)
            return new ReceivedRecord(Messages.NotAHost);
        bool isLocal = LanguagePrimitives.IsTrue(received.Properties[nameof(TargetProperty.IsLocal)]?.Value);
        return isLocal || (HostAddress.TryRead(name, out HostAddress address) && IsLoopback(address.Host))
            ? new ReceivedRecord(Messages.ReceivedLocal.With(Untrusted.OneLine(name)))
            : null;
    }

    // What each machine calls itself.
    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? address)
            && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback)));
}

/// <summary>
/// Takes objects of this module, and what is left of one that names no host that can be reached again: that is an error
/// of the object. One that does name a host is left to -ComputerName.
/// </summary>
internal sealed class ReceivedRecordAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (ReceivedRecord.OfNoHost(inputData) is { } one)
            return one;
        object bare = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (bare is not IList several || bare is HostRecord[])
            return inputData;
        return several.Cast<object?>().Select(value => ReceivedRecord.OfNoHost(value) ?? value).ToArray();
    }
}
