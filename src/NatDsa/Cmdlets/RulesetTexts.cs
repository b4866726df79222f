using System.Management.Automation;
using System.Management.Automation.Provider;
using System.Text;
using NatDsa.Netfilter;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Texts that hold rules, from files and from the pipeline, for a cmdlet that reads them; and the errors in them.</summary>
internal sealed class RulesetTexts(PSCmdlet cmdlet)
{
    /// <summary>How large a text may be, in bytes: a ruleset of a million rules has half of it.</summary>
    internal const long MaxLength = 256 << 20;

    /// <summary>A text with a thousand broken lines is told by its first few.</summary>
    private const int MaxErrorsShown = 10;

    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    // UTF-32 first: its mark begins as UTF-16's does.
    private static readonly Encoding[] s_markedEncodings = [Encoding.UTF8, Encoding.UTF32, new UTF32Encoding(bigEndian: true, byteOrderMark: true), Encoding.Unicode, Encoding.BigEndianUnicode];

    private StringBuilder? _piped;

    /// <summary>What came by pipeline; null when nothing did.</summary>
    public string? Piped => _piped?.ToString();

    /// <summary>
    /// Takes lines, or whole texts, from the pipeline. A string that holds a line feed is a text and taken as it is; any other is a line, which has
    /// lost its line feed on its way.
    /// </summary>
    public void Append(string[] strings)
    {
        _piped ??= new StringBuilder();
        foreach (string text in strings)
        {
            if (_piped.Length + text.Length > MaxLength)
            {
                cmdlet.ThrowTerminatingError(TooLong(Messages.PipelineText));
            }

            if (_piped.Length > 0 && _piped[^1] != '\n')
                _piped.Append('\n');
            _piped.Append(text);
            if (!text.Contains('\n'))
                _piped.Append('\n');
        }
    }

    /// <summary>Reads files. One that cannot be read is an error; the others go on.</summary>
    /// <param name="paths">Their names.</param>
    /// <param name="isLiteral">Whether wildcards stand for themselves.</param>
    /// <param name="use">Gets each text with the path of its file.</param>
    public void ReadFiles(string[] paths, bool isLiteral, Action<string, string> use)
    {
        foreach (string asked in paths)
        {
            try
            {
                foreach ((string path, ProviderInfo provider) in Resolve(asked, isLiteral))
                {
                    if (ReadFile(path, provider) is { } text)
                        use(text, path);
                }
            }
            catch (Exception e) when (e is SessionStateException or ProviderInvocationException or IOException or UnauthorizedAccessException)
            {
                cmdlet.WriteError(ErrorCategories.ToErrorRecord(e, ErrorIds.FileUnreadable, asked));
            }
        }
    }

    /// <summary>Reads a text leniently, and writes the errors that are in it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">The file that it is from; null for text from the pipeline.</param>
    public Ruleset Read(string text, string? path)
    {
        Ruleset ruleset = RulesetReader.Read(text, RulesetReadMode.Lenient);
        WriteLastErrors(ruleset, path);
        return ruleset;
    }

    /// <summary>Writes the errors of a ruleset that have not been written yet.</summary>
    /// <param name="ruleset">The ruleset, read leniently.</param>
    /// <param name="path">The file that it is from; null for text from the pipeline.</param>
    /// <param name="written">How many have been written; afterwards how many are.</param>
    public void WriteErrors(Ruleset ruleset, string? path, ref int written)
    {
        for (; written < Math.Min(ruleset.Errors.Count, MaxErrorsShown); written++)
            WriteError(ruleset, ruleset.Errors[written], path);
    }

    /// <summary>Writes the errors of a ruleset that was read to its end.</summary>
    /// <inheritdoc cref="WriteErrors(Ruleset, string?, ref int)"/>
    public void WriteLastErrors(Ruleset ruleset, string? path, int written = 0)
    {
        WriteErrors(ruleset, path, ref written);
        if (ruleset.Errors.Count > written)
            cmdlet.WriteWarning(Messages.MoreSyntaxErrors.With(ruleset.Errors.Count - written, path ?? Messages.PipelineText));
    }

    private List<(string Path, ProviderInfo Provider)> Resolve(string asked, bool isLiteral)
    {
        PathIntrinsics paths = cmdlet.SessionState.Path;
        if (isLiteral)
            return [(paths.GetUnresolvedProviderPathFromPSPath(asked, out ProviderInfo itsProvider, out _), itsProvider)];
        return [.. paths.GetResolvedProviderPathFromPSPath(asked, out ProviderInfo provider).Select(path => (path, provider))];
    }

    private string? ReadFile(string path, ProviderInfo provider)
    {
        if (provider.Name != "FileSystem")
            return ReadContent($"{provider.Name}::{path}");
        if (Directory.Exists(path))
            throw new IOException(Messages.PathIsFolder.With(path));
        if (new FileInfo(path).Length <= MaxLength)
            return ReadText(path);
        cmdlet.WriteError(TooLong(path));
        return null;
    }

    /// <summary>
    /// Reads a file as the Unicode encoding that its mark names, else as UTF-8, and where it is not that, as Latin-1: a letter a byte, so that
    /// nothing is lost of a comment in an old encoding.
    /// </summary>
    internal static string ReadText(string path)
    {
        byte[] bytes = WholeFile.Read(path);
        foreach (Encoding encoding in s_markedEncodings)
        {
            if (bytes.AsSpan().StartsWith(encoding.Preamble))
                return encoding.GetString(bytes.AsSpan(encoding.Preamble.Length));
        }

        try
        {
            return s_strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }

    private string ReadContent(string path)
    {
        var text = new StringBuilder();
        foreach (IContentReader reader in cmdlet.InvokeProvider.Content.GetReader(path))
        {
            using (reader)
            {
                // The end is an empty list to some providers, and nothing to others.
                while (reader.Read(1) is { Count: > 0 } lines)
                    text.Append(LanguagePrimitives.ConvertTo<string>(lines[0])).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>What to type for a word that is the name of a file here; null when there is no such file.</summary>
    public string? FileHint(string word)
    {
        try
        {
            PathIntrinsics paths = cmdlet.SessionState.Path;
            string file = paths.GetUnresolvedProviderPathFromPSPath(word, out ProviderInfo provider, out _);
            bool isFile = provider.Name == "FileSystem" && File.Exists(file);
            return isFile ? Messages.FileIsPath.With(PipedWords.Typed(word)) : null;
        }
        catch (SessionStateException)
        {
            // The word begins as a drive does.
            return null;
        }
    }

    // What begins no ruleset may be what rules are read from: a file, or a host.
    private string? Hint(string word) =>
        word.Length == 0 ? null
        : FileHint(word) is { } file ? file
        : cmdlet is HostCmdlet && HostAddress.TryRead(word, out _) ? Messages.NameIsText.With(PipedWords.Typed(word))
        : null;

    private static ErrorRecord TooLong(string name) =>
        new HostException(ErrorIds.RulesetSyntax, Messages.TextTooLong.With(name, MaxLength >> 20)).ToErrorRecord(name);

    private void WriteError(Ruleset ruleset, RulesetError error, string? path)
    {
        var exception = new RulesetSyntaxException(error);
        string name = path ?? Messages.PipelineText;
        string? hint = path is null && ruleset.Format == RulesetFormat.Unknown ? Hint(error.Word) : null;
        ErrorRecord record = ErrorCategories.ToErrorRecord(exception, ErrorIds.RulesetSyntax, name);
        record.ErrorDetails = new ErrorDetails($"{name}: {exception.Message} {hint}".TrimEnd());
        cmdlet.WriteError(record);
    }
}
