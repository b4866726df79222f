namespace NatDsa.Ssh;

/// <summary>The names of the hosts that this user's ssh knows, for who types one.</summary>
internal static class SshNames
{
    // A file of this size has some 10,000 keys.
    private const int MaxLength = 4 << 20;

    /// <summary>Reads them from known_hosts and from ssh's configuration. What cannot be read has none.</summary>
    /// <param name="knownHosts">The file of keys; null: ssh's own.</param>
    /// <param name="cancellation">Ends a wait for somebody who writes there.</param>
    public static async Task<IReadOnlyList<string>> ReadAsync(string? knownHosts, CancellationToken cancellation) =>
        [.. OfConfiguration(), .. await OfKeysAsync(knownHosts, cancellation).ConfigureAwait(false)];

    private static IEnumerable<string> OfConfiguration()
    {
        try
        {
            return [.. SshConfigFiles.OfSystem().PlainNames()];
        }
        catch (SshConfigException)
        {
            // Who reaches a host is told what is wrong with it; at the prompt nobody is.
            return [];
        }
    }

    private static async Task<IEnumerable<string>> OfKeysAsync(string? knownHosts, CancellationToken cancellation)
    {
        IEnumerable<string> paths = knownHosts is null
            ? [.. KnownHostsFiles.UsersPaths(), .. KnownHostsFiles.MachinesPaths()]
            : [knownHosts];
        try
        {
            // Pipes and devices are of no length, and may never come to an end.
            string[] files =
                [.. paths.Where(path => new FileInfo(path) is { Exists: true, Length: > 0 and <= MaxLength })];
            KnownHosts known = await new KnownHostsFiles(files, []).ReadAsync(cancellation).ConfigureAwait(false);
            return [.. known.PlainNames.Select(Typed)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }

    // Only an address needs its brackets.
    private static string Typed(string name)
    {
        int end = name.StartsWith('[') ? name.IndexOf(']') : -1;
        return end < 0 || name[1..end].Contains(':') ? name : name[1..end] + name[(end + 1)..];
    }
}
