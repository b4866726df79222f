using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>The names of the hosts that this user's ssh knows, as one types them.</summary>
/// <remarks>Somebody waits at the prompt: what cannot be read at once has no names.</remarks>
internal static class SshHostNames
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Reads them, in alphabetical order.</summary>
    /// <param name="knownHosts">The file of keys; null: ssh's own.</param>
    public static string[] Read(string? knownHosts)
    {
        using var patience = new CancellationTokenSource(s_patience);
        // A folder of a server that is gone never lets go of who opens a file there.
        Task<IReadOnlyList<string>> reading = Task.Run(() => SshNames.ReadAsync(knownHosts, patience.Token));
        try
        {
            return reading.Wait(s_patience) ? InOrder(reading.Result) : [];
        }
        catch (AggregateException e) when (e.InnerException is OperationCanceledException)
        {
            return [];
        }
    }

    private static string[] InOrder(IEnumerable<string> names) =>
    [
        .. names
            .Where(name => HostAddress.TryRead(name, out _))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.OrdinalIgnoreCase),
    ];
}
