using System.IO.Enumeration;
using System.Security;
using System.Text;

namespace NatDsa.Targets;

/// <summary>
/// The names of the hosts that this user's ssh knows: those of known_hosts that are not hashed (sshd(8)), and those
/// that its configuration names without a wildcard (ssh_config(5)).
/// </summary>
/// <remarks>Somebody waits at the prompt: a file that cannot be read at once has no names.</remarks>
internal static class SshHostNames
{
    // A file of this size has some 10,000 keys.
    private const int MaxChars = 4 << 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(300);
    private static readonly char[] s_blanks = [' ', '\t'];
    private static readonly char[] s_wild = ['*', '?', '!', '|'];

    /// <summary>Reads them, in alphabetical order.</summary>
    /// <param name="knownHosts">The file of keys; null: ssh's own.</param>
    public static string[] Read(string? knownHosts)
    {
        // A named pipe, or a folder of a server that is gone, never lets go of who opens it.
        Task<string[]> reading = Task.Factory.StartNew(
            () => ReadAll(knownHosts), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return reading.Wait(s_patience) ? reading.Result : [];
    }

    private static string[] ReadAll(string? knownHosts)
    {
        string own = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh");
        string machine = OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "ssh")
            : "/etc/ssh";
        string[] files = knownHosts is { Length: > 0 }
            ? [Expand(knownHosts)]
            :
            [
                Path.Combine(own, "known_hosts"),
                Path.Combine(own, "known_hosts2"),
                Path.Combine(machine, "ssh_known_hosts"),
            ];
        var read = new HashSet<string>(StringComparer.Ordinal);
        IEnumerable<string> names =
        [
            .. OfConfiguration(Path.Combine(own, "config"), own, read),
            .. OfConfiguration(Path.Combine(machine, "ssh_config"), machine, read),
            .. files.SelectMany(file => Lines(file).SelectMany(OfKey)),
        ];
        return [.. names
            .Where(name => HostAddress.TryRead(name, out _))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.OrdinalIgnoreCase)];
    }

    // A marker, names, a type, a key; the names as a list, each perhaps as [host]:port.
    private static IEnumerable<string> OfKey(string line)
    {
        string[] words = line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        int at = words.Length > 0 && words[0].StartsWith('@') ? 1 : 0;
        // Every key's form begins with the length of its type's name.
        bool isKey = words.Length > at + 2 && words[at + 2].StartsWith("AAAA", StringComparison.Ordinal);
        return isKey && words[at][0] != '#'
            ? words[at].Split(',', StringSplitOptions.RemoveEmptyEntries).Where(IsName).Select(Typed)
            : [];
    }

    private static string Typed(string name)
    {
        int end = name.StartsWith('[') ? name.IndexOf(']') : -1;
        // Only an address needs its brackets.
        return end < 0 || name[1..end].Contains(':') ? name : name[1..end] + name[(end + 1)..];
    }

    // Each file once: one may include itself.
    private static IEnumerable<string> OfConfiguration(string file, string folder, HashSet<string> read)
    {
        if (!read.Add(file))
            yield break;
        foreach (string line in Lines(file))
        {
            List<string> words = Words(line);
            if (words.Count < 2)
                continue;
            List<string> rest = words[1..];
            IEnumerable<string> names = words[0].ToLowerInvariant() switch
            {
                "host" => rest.Where(IsName),
                "match" => OfMatch(rest),
                "include" => rest
                    .SelectMany(pattern => Included(pattern, folder))
                    .SelectMany(included => OfConfiguration(included, folder, read)),
                _ => [],
            };
            foreach (string name in names)
                yield return name;
        }
    }

    private static IEnumerable<string> OfMatch(List<string> words)
    {
        int at = words.FindIndex(word => word.ToLowerInvariant() is "host" or "originalhost");
        return at >= 0 && at + 1 < words.Count ? words[at + 1].Split(',').Where(IsName) : [];
    }

    private static bool IsName(string pattern) => pattern.Length > 0 && pattern.IndexOfAny(s_wild) < 0;

    // A keyword and its words, parted by blanks, or the first time by an equals sign; quotes hold blanks together.
    private static List<string> Words(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool isQuoted = false;
        foreach (char c in line)
        {
            if (c == '"')
                isQuoted = !isQuoted;
            else if (!isQuoted && c == '#' && word.Length == 0)
                break;
            else if (!isQuoted && (c is ' ' or '\t' || (c == '=' && words.Count == 0)))
                Take();
            else
                word.Append(c);
        }

        Take();
        return words;

        void Take()
        {
            string taken = word.ToString();
            word.Clear();
            if (taken.Length > 0 && !(words.Count == 1 && taken == "="))
                words.Add(taken);
        }
    }

    private static string[] Included(string pattern, string folder)
    {
        string path = Path.Combine(folder, Expand(pattern));
        if (path.IndexOfAny(s_wild) < 0)
            return [path];
        string? parent = Path.GetDirectoryName(path);
        string name = Path.GetFileName(path);
        if (parent is null || parent.IndexOfAny(s_wild) >= 0)
            return [];
        return Try(() => Directory.GetFiles(parent)
            .Where(file => FileSystemName.MatchesSimpleExpression(name, Path.GetFileName(file), ignoreCase: false))
            .Order(StringComparer.Ordinal)
            .ToArray()) ?? [];
    }

    private static string Expand(string path) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;

    private static IEnumerable<string> Lines(string file)
    {
        string? text = Try(() =>
        {
            using var stream = new FileStream(
                file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            char[] chars = new char[stream.CanSeek ? Math.Min(MaxChars, stream.Length) : 0];
            return new string(chars, 0, reader.ReadBlock(chars));
        });
        return (text ?? "").Split('\n').Select(line => line.TrimEnd('\r'));
    }

    private static T? Try<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (
            e is IOException
            or UnauthorizedAccessException
            or SecurityException
            or ArgumentException
            or NotSupportedException)
        {
            // Nothing is offered of a file that cannot be read; the cmdlet itself will say so.
            return null;
        }
    }
}
