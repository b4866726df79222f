using System.Collections.Concurrent;
using System.Diagnostics;

namespace NatDsa.Ssh;

/// <summary>
/// A file that others may be reading and writing at the same time, in this process and in others. Whoever writes has it
/// alone: .NET locks a file that is not shared, on Unix with flock, and refuses at once who comes in between, if only
/// to read. Here they wait for each other.
/// </summary>
internal static class SharedFile
{
    // Of a hundred who add a line each, the last one waits for all the others.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    // Who waits within this process does so in a queue: for the lock itself nobody can wait, only ask again.
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> s_queues = new(StringComparer.Ordinal);

    /// <summary>Opens a file, and keeps those who write away from it until <paramref name="use"/> has ended.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is opened; its sharing does not matter.</param>
    /// <param name="use">What is done with it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="IOException">It cannot be opened, or others had it all the time.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while others had it.</exception>
    public static async Task<T> UseAsync<T>(
        string path, FileStreamOptions options, Func<FileStream, T> use, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        string place = Path.GetFullPath(path);
        SemaphoreSlim queue = s_queues.GetOrAdd(place, static _ => new SemaphoreSlim(1, 1));
        if (!await queue.WaitAsync(s_limit, cancellation).ConfigureAwait(false))
            throw new IOException($"{place}: it was in use for {s_limit.TotalSeconds} seconds.");
        try
        {
            // Readers may share it. Some network file systems lock a file for one alone only when he can write.
            options.Share = options.Access == FileAccess.Read ? FileShare.ReadWrite | FileShare.Delete : FileShare.None;
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    using var file = new FileStream(place, options);
                    return use(file);
                }
                catch (IOException e) when (IsInUse(e) && Stopwatch.GetElapsedTime(start) < s_limit)
                {
                    // Those who were refused together should not come back together.
                    await Task.Delay(Random.Shared.Next(2, 12), cancellation).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            queue.Release();
        }
    }

    /// <summary>Whether somebody else has it: a sharing or lock violation on Windows, else EWOULDBLOCK.</summary>
    private static bool IsInUse(IOException e) => OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is 32 or 33
        : e.HResult is 11 or 35;
}
