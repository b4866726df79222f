using System.Collections.Concurrent;

namespace NatDsa.Ssh;

/// <summary>ssh's configuration, the user's and the machine's, and what they include: each file is read once.</summary>
/// <param name="user">The user's; null: there is none.</param>
/// <param name="machine">The machine's.</param>
internal sealed class SshConfigFiles(string? user, string machine)
{
    private readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<SshConfigLine>>> _files = [];

    /// <summary>Those that ssh reads.</summary>
    public static SshConfigFiles OfSystem() => new(
        SshFolders.User is { } folder ? Path.Combine(folder, "config") : null,
        Path.Combine(SshFolders.Machine, "ssh_config"));

    /// <summary>What they say of a host.</summary>
    /// <exception cref="SshConfigException">They cannot be read, or say something that is not understood.</exception>
    public SshHostConfig For(SshConfigSubject subject)
    {
        IReadOnlyList<SshConfigLine>[] files = user is null ? [Lines(machine)] : [Lines(user), Lines(machine)];
        return SshHostConfig.Read(files, subject, line => Included(line).Select(Lines));
    }

    /// <summary>The names of hosts that stand there as they are, and are no patterns.</summary>
    /// <exception cref="SshConfigException">They cannot be read, or say something that is not understood.</exception>
    public IEnumerable<string> PlainNames()
    {
        var read = new HashSet<string>(StringComparer.Ordinal);
        return ((string?[])[user, machine]).OfType<string>().SelectMany(Names).Where(WordPattern.IsPlain);

        // Each file once: one may include itself.
        IEnumerable<string> Names(string file) => read.Add(file) ? Lines(file).SelectMany(NamesOf) : [];

        IEnumerable<string> NamesOf(SshConfigLine line) => line.Keyword switch
        {
            "host" => line.Words(),
            "match" => NamesOfMatch([.. line.MatchWords()]),
            "include" => Included(line).SelectMany(Names),
            _ => [],
        };

        static IEnumerable<string> NamesOfMatch(string[] words)
        {
            int at = Array.FindIndex(words, word => word.ToLowerInvariant() is "host" or "originalhost");
            return at >= 0 && at + 1 < words.Length ? words[at + 1].Split(',') : [];
        }
    }

    /// <summary>A file's lines; none, when it is not there.</summary>
    private IReadOnlyList<SshConfigLine> Lines(string path) =>
        _files.GetOrAdd(path, p => new Lazy<IReadOnlyList<SshConfigLine>>(() => Read(p))).Value;

    private IReadOnlyList<SshConfigLine> Read(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && !IsOfMachine(path) && File.Exists(path)
                && (File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
            {
                const string Why = "others than its owner may write to it: ssh does not trust it either (chmod 600).";
                throw new SshConfigException(path, Why, null);
            }

            return SshConfigLine.ReadAll(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SshConfigException(path, e.Message, e);
        }
    }

    /// <summary>
    /// The files that a line includes: patterns, which begin in the folder of the user's or the machine's.
    /// </summary>
    private IEnumerable<string> Included(SshConfigLine line)
    {
        string folder = IsOfMachine(line.File) ? SshFolders.Machine : SshFolders.User ?? SshFolders.Machine;
        foreach (string word in line.Words())
        {
            bool isOfHome = word.StartsWith("~/", StringComparison.Ordinal);
            if ((word.StartsWith('~') && !isOfHome) || word.AsSpan().ContainsAny('[', '$'))
                throw line.Not($"the pattern {word} is not understood");
            string pattern = isOfHome
                ? Path.Combine(SshFolders.Home ?? throw line.Not("the user has no home"), word[2..])
                : Path.Combine(folder, word);
            foreach (string file in Matching(line, pattern))
                yield return file;
        }
    }

    private static IEnumerable<string> Matching(SshConfigLine line, string pattern)
    {
        string root = Path.GetPathRoot(Path.GetFullPath(pattern))!;
        IEnumerable<string> found = [root];
        foreach (string part in Path.GetFullPath(pattern)[root.Length..].Split(Path.DirectorySeparatorChar))
        {
            found = part.AsSpan().ContainsAny('*', '?')
                ? found.SelectMany(folder => Entries(line, folder, part))
                : found.Select(folder => Path.Combine(folder, part));
        }

        return found.Where(File.Exists);
    }

    private static IEnumerable<string> Entries(SshConfigLine line, string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder)
                ? Directory.GetFileSystemEntries(folder)
                    .Where(e => Path.GetFileName(e) is var name
                        && (name[0] != '.' || pattern[0] == '.')
                        && WordPattern.Matches(name, pattern))
                    .Order(StringComparer.Ordinal)
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw line.Not(e.Message);
        }
    }

    private bool IsOfMachine(string path) => path == machine
        || path.StartsWith(SshFolders.Machine + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
