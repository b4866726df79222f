using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>The known_hosts files that are read, and the one that new keys are added to.</summary>
internal sealed class KnownHostsFiles
{
    private static readonly TimeSpan s_lockLimit = TimeSpan.FromSeconds(10);
    private readonly string[] _paths;
    private readonly object _lock = new();
    private (DateTime Written, long Length)[]? _versions;
    private KnownHosts? _known;

    /// <summary>Reads one file; without a path, those that OpenSSH reads: the user's, then the machine's.</summary>
    public KnownHostsFiles(string? path = null) => _paths = path is not null ? [path] : DefaultPaths();

    /// <summary>The file that new keys are added to.</summary>
    public string Path => _paths[0];

    /// <summary>Reads them as they are now, anew only when one has changed. One that is not there is empty.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">One may not be read.</exception>
    public KnownHosts Read()
    {
        lock (_lock)
        {
            // Looked at before they are read: what is written in between is read again next time.
            (DateTime Written, long Length)[] versions = [.. _paths.Select(Version)];
            if (_known is null || !versions.AsSpan().SequenceEqual(_versions))
                (_known, _versions) = (KnownHosts.Read([.. _paths.Select(ReadText)]), versions);
            return _known;
        }
    }

    /// <summary>
    /// Adds a host's key, if it is still unknown then. The file is locked for as long as it takes: of two at once, the second sees what
    /// the first has written.
    /// </summary>
    /// <returns>What the files say about the key now: known, when it was added.</returns>
    /// <exception cref="IOException">The file cannot be written, or was locked all the time.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public HostKeyVerdict Add(string host, int port, HostKey key)
    {
        using FileStream file = OpenLocked();
        string text = new StreamReader(file, Encoding.UTF8).ReadToEnd();
        HostKeyVerdict verdict = KnownHosts.Read([text, .. _paths.Skip(1).Select(ReadText)]).Judge(host, port, key);
        if (verdict != HostKeyVerdict.Unknown)
            return verdict;

        bool hashed = KnownHosts.Read(text).IsHashed;
        string line = KnownHosts.Line(host, port, key, hashed ? RandomNumberGenerator.GetBytes(HMACSHA1.HashSizeInBytes) : null);
        bool open = text.Length > 0 && !text.EndsWith('\n');
        file.Position = file.Length;
        // One write: who reads without a lock, as ssh does, sees the whole line or nothing of it.
        file.Write(Encoding.UTF8.GetBytes(open ? "\n" + line : line));
        file.Flush(flushToDisk: true);
        return HostKeyVerdict.Known;
    }

    private static (DateTime Written, long Length) Version(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private static string ReadText(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new StreamReader(file, Encoding.UTF8).ReadToEnd();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }

    private FileStream OpenLocked()
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        if (!Directory.Exists(folder))
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        // On Unix, no sharing is an advisory lock of the whole file (flock), which goes with the process that holds it.
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(Path, options);
            }
            catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException) && Stopwatch.GetElapsedTime(start) < s_lockLimit)
            {
                Thread.Sleep(Random.Shared.Next(2, 12));
            }
        }
    }

    private static string[] DefaultPaths()
    {
        string user = System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh", "known_hosts");
        string machine = OperatingSystem.IsWindows()
            ? System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "ssh", "ssh_known_hosts")
            : "/etc/ssh/ssh_known_hosts";
        return [user, user + "2", machine, machine + "2"];
    }
}
