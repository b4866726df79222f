using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>The known_hosts files that are read, and the one that new keys are added to.</summary>
[SuppressMessage("Design", "CA1001",
    Justification = "A semaphore whose wait handle nobody asks for holds nothing to dispose of.")]
internal sealed class KnownHostsFiles
{
    private readonly string[] _paths;
    private readonly string? _own;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private (DateTime Written, long Length)[]? _versions;
    private KnownHosts? _known;

    /// <summary>Reads one file; without a path, those that OpenSSH reads: the user's, then the machine's.</summary>
    public KnownHostsFiles(string? path = null)
        : this(path is null ? UsersPaths() : [path], path is null ? MachinesPaths() : [])
    {
    }

    /// <summary>Reads some files of the user's, and some of the machine's.</summary>
    public KnownHostsFiles(IReadOnlyList<string> users, IReadOnlyList<string> machines) =>
        (_paths, _own) = ([.. users, .. machines], users.Count > 0 ? users[0] : null);

    /// <summary>The file that new keys are added to; where there is none, one that is read.</summary>
    public string Path => _own ?? (_paths.Length > 0 ? _paths[0] : "");

    /// <summary>Reads them as they are now, anew only when one has changed. One that is not there is empty.</summary>
    /// <param name="cancellation">Ends a wait for somebody who writes.</param>
    /// <exception cref="IOException">One cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">One may not be read.</exception>
    public async Task<KnownHosts> ReadAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // Looked at before they are read: what is written in between is read again next time.
            (DateTime Written, long Length)[] versions = [.. _paths.Select(Version)];
            if (_known is null || !versions.AsSpan().SequenceEqual(_versions))
            {
                _known = KnownHosts.Read(await TextsAsync(_paths, cancellation).ConfigureAwait(false));
                _versions = versions;
            }

            return _known;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Adds a host's key, if it is still unknown then. The file is locked for as long as it takes: of two at once, the second sees what
    /// the first has written.
    /// </summary>
    /// <returns>What the files say about the key now: known, when it was added.</returns>
    /// <exception cref="IOException">The file cannot be written, or was locked all the time.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public async Task<HostKeyVerdict> AddAsync(string host, int port, HostKey key, CancellationToken cancellation)
    {
        if (_own is null)
            throw new IOException("No known_hosts file is named that a key could be added to. Give -KnownHostsPath.");
        string[] others = await TextsAsync(_paths[1..], cancellation).ConfigureAwait(false);
        MakeFolder();
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return await SharedFile.UseAsync(Path, options, file => Add(file, others, host, port, key), cancellation)
            .ConfigureAwait(false);
    }

    private static HostKeyVerdict Add(FileStream file, string[] others, string host, int port, HostKey key)
    {
        string text = Text(file);
        HostKeyVerdict verdict = KnownHosts.Read([text, .. others]).Judge(host, port, key);
        if (verdict != HostKeyVerdict.Unknown)
            return verdict;

        bool hashed = KnownHosts.Read(text).IsHashed;
        string line = KnownHosts.Line(host, port, key, hashed ? RandomNumberGenerator.GetBytes(HMACSHA1.HashSizeInBytes) : null);
        bool open = text.Length > 0 && !text.EndsWith('\n');
        long end = file.Position = file.Length;
        try
        {
            // One write: who reads without a lock, as ssh does, sees the whole line or nothing of it.
            file.Write(Encoding.UTF8.GetBytes(open ? "\n" + line : line));
        }
        catch
        {
            // Of a line for which the disk had no room, nothing stays.
            file.SetLength(end);
            throw;
        }

        return HostKeyVerdict.Known;
    }

    private static (DateTime Written, long Length) Version(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private static async Task<string[]> TextsAsync(string[] paths, CancellationToken cancellation)
    {
        string[] texts = new string[paths.Length];
        for (int i = 0; i < paths.Length; i++)
            texts[i] = await TextAsync(paths[i], cancellation).ConfigureAwait(false);
        return texts;
    }

    private static async Task<string> TextAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read };
            return await SharedFile.UseAsync(path, options, Text, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }

    private static string Text(FileStream file) => new StreamReader(file, Encoding.UTF8).ReadToEnd();

    private void MakeFolder()
    {
        const UnixFileMode OnlyMine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OnlyMine);
    }

    /// <summary>The user's, where ssh has them.</summary>
    public static string[] UsersPaths()
    {
        if (SshFolders.User is not { } folder)
            return [];
        string path = System.IO.Path.Combine(folder, "known_hosts");
        return [path, path + "2"];
    }

    /// <summary>The machine's, where ssh has them.</summary>
    public static string[] MachinesPaths()
    {
        string path = System.IO.Path.Combine(SshFolders.Machine, "ssh_known_hosts");
        return [path, path + "2"];
    }
}
