using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using NatDsa.Privilege;

namespace NatDsa.Probe;

/// <summary>
/// A POSIX <c>sh</c> script and the values that it runs with. The script's text is constant. Values travel as data: each
/// is a shell variable whose every byte outside <c>[A-Za-z0-9./_-]</c> is written as an octal escape for <c>printf %b</c>,
/// so that no value, whatever its bytes, can be read as shell.
/// </summary>
/// <remarks>
/// The shell reads all of it on standard input, and then runs it. The script wraps itself in functions, the last line calls
/// one: a connection that breaks while the text is on its way runs nothing.
/// </remarks>
public sealed class HostScript
{
    // Read once for all hosts.
    private static readonly ConcurrentDictionary<string, byte[]> s_files = new(StringComparer.Ordinal);

    private readonly ScriptFiles _files;
    private readonly byte[][] _texts;
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _contents = new(StringComparer.Ordinal);

    private HostScript(ScriptFiles files) => (_files, _texts) = (files, Array.ConvertAll(files.Names, File));

    /// <summary>What it asks of the host, in a few words.</summary>
    internal string Request { get; private set; } = "";

    /// <summary>Says what it asks of the host.</summary>
    internal HostScript Asking(string request)
    {
        Request = request;
        return this;
    }

    /// <summary>What it needs root for.</summary>
    internal HostPrivilege Privilege => _files.Privilege;

    /// <summary>Whether a shell that has run it, and whose input goes on, waits for <see cref="NextQuestion"/>.</summary>
    internal bool CanBeAskedAgain => _files.AskedAgainBy.Count > 0 && _files.AskedAgainBy.Count == _values.Count && _contents.Count == 0;

    /// <summary>The line by which a shell that waits runs the script again, with these values.</summary>
    internal byte[] NextQuestion() => Encoding.UTF8.GetBytes(string.Join(' ', _files.AskedAgainBy.Select(name => _values[name])) + "\n");

    /// <summary>The names and values that the script runs with, decoded.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>Reads one of this assembly's scripts.</summary>
    internal static HostScript Load(ScriptFiles files) => new(files);

    /// <summary>The text of one of this assembly's files, by its name.</summary>
    internal static byte[] File(string name) => s_files.GetOrAdd(name, ReadFile);

    /// <summary>Sets one of the script's variables.</summary>
    /// <param name="name">The variable, as the script knows it: <c>[A-Z_][A-Z0-9_]*</c>.</param>
    /// <param name="value">Any text without NUL.</param>
    /// <exception cref="ArgumentException">The name is no such word, or the value holds a NUL, which a shell cannot.</exception>
    internal HostScript With(string name, string value)
    {
        CheckName(name);
        if (value.Contains('\0'))
            throw new ArgumentException("A value cannot hold a NUL.", nameof(value));
        _values[name] = value;
        return this;
    }

    /// <summary>Sets one of the script's variables to bytes as they are, whatever text they are.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="content">Any bytes but NUL.</param>
    /// <exception cref="ArgumentException">As for a text.</exception>
    internal HostScript WithContent(string name, ReadOnlyMemory<byte> content)
    {
        CheckName(name);
        if (content.Span.Contains((byte)0))
            throw new ArgumentException("A value cannot hold a NUL.", nameof(content));
        _contents[name] = content;
        return this;
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'))
            throw new ArgumentException($"'{name}' is not a variable of a script.", nameof(name));
    }

    /// <summary>The bytes for the shell's standard input: the values, then the script.</summary>
    internal byte[] ToStandardInput()
    {
        var input = new StringBuilder();
        foreach ((string name, string value) in _values)
        {
            if (value.All(IsInert))
            {
                input.Append(name).Append('=').Append(value).Append('\n');
                continue;
            }

            AppendEscaped(input, name, Encoding.UTF8.GetBytes(value));
        }

        foreach ((string name, ReadOnlyMemory<byte> content) in _contents)
            AppendEscaped(input, name, content.Span);

        byte[] values = Encoding.UTF8.GetBytes(input.ToString());
        byte[] all = new byte[values.Length + _texts.Sum(static t => t.Length)];
        values.CopyTo(all, 0);
        int at = values.Length;
        foreach (byte[] text in _texts)
        {
            text.CopyTo(all, at);
            at += text.Length;
        }

        return all;
    }

    private static byte[] ReadFile(string name)
    {
        using Stream stream = typeof(HostScript).Assembly.GetManifestResourceStream(name)
            ?? throw new ArgumentException($"No script is called {name}.", nameof(name));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return Encoding.UTF8.GetBytes(reader.ReadToEnd().ReplaceLineEndings("\n"));
    }

    /// <summary>A text for <c>printf %b</c>, without a character that any shell would read as something else.</summary>
    internal static string Inert(string text)
    {
        var inert = new StringBuilder(text.Length * 2);
        AppendInert(inert, Encoding.UTF8.GetBytes(text));
        return inert.ToString();
    }

    private static bool IsInert(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '/' or '_' or '-';

    private static void AppendEscaped(StringBuilder input, string name, ReadOnlySpan<byte> value)
    {
        // The dot keeps a value's last line ends, which $( ) would drop.
        input.Append(name).Append("=$(printf '%b' '");
        AppendInert(input, value);
        input.Append(".'); ").Append(name).Append("=${").Append(name).Append("%.}\n");
    }

    private static void AppendInert(StringBuilder input, ReadOnlySpan<byte> value)
    {
        foreach (byte b in value)
        {
            char c = (char)b;
            if (IsInert(c))
                input.Append(c);
            else
                input.Append(CultureInfo.InvariantCulture, $"\\0{Convert.ToString(b, 8).PadLeft(3, '0')}");
        }
    }
}
