using System.Management.Automation;
using System.Management.Automation.Provider;
using System.Text;
using NatDsa.Netfilter;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>What the cmdlets that read rules have in common: besides from hosts, they read them from files and from text.</summary>
public abstract class RulesetCmdlet : HostCmdlet
{
    internal const string PathSet = "Path";
    internal const string LiteralPathSet = "LiteralPath";
    internal const string TextSet = "Text";

    /// <summary>How large a text may be, in bytes: a ruleset of a million rules has half of it.</summary>
    private const long MaxTextLength = 256 << 20;

    /// <summary>A text with a thousand broken lines is told by its first few.</summary>
    private const int MaxErrorsShown = 10;

    private StringBuilder? _text;

    /// <summary>Files that hold rules; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Files that hold rules, by their exact names.</summary>
    [Parameter(ParameterSetName = LiteralPathSet, Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The rules as text, line by line or as one string: what <c>iptables-save</c>, <c>iptables -L</c> or <c>service iptables status</c> prints.</summary>
    [Parameter(ParameterSetName = TextSet, Mandatory = true, ValueFromPipeline = true)]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public string[] Text { get; set; } = [];

    /// <summary>Writes what a text holds.</summary>
    /// <param name="ruleset">The rules.</param>
    /// <param name="path">The file that they are from; null for text from the pipeline.</param>
    private protected abstract void WriteRules(Ruleset ruleset, string? path);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case PathSet:
                foreach (string path in Path)
                    ReadFiles(path, () => SessionState.Path.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider).Select(p => (p, provider)));
                break;
            case LiteralPathSet:
                foreach (string path in LiteralPath)
                    ReadFiles(path, () => [(SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _), provider)]);
                break;
            case TextSet:
                AppendText();
                break;
            default:
                base.ProcessRecord();
                break;
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_text is not null)
            Read(_text.ToString(), null);
        base.EndProcessing();
    }

    private void AppendText()
    {
        _text ??= new StringBuilder();
        foreach (string line in Text)
        {
            if (_text.Length + line.Length > MaxTextLength)
            {
                ThrowTerminatingError(new HostException(
                    ErrorIds.RulesetSyntax, ErrorCategory.LimitsExceeded, Messages.TextTooLong.With(Messages.PipelineText, MaxTextLength >> 20)).ToErrorRecord(this));
            }

            _text.Append(line).Append('\n');
        }
    }

    private void ReadFiles(string asked, Func<IEnumerable<(string Path, ProviderInfo Provider)>> resolve)
    {
        try
        {
            foreach ((string path, ProviderInfo provider) in resolve().ToList())
                ReadFile(path, provider);
        }
        catch (Exception e) when (e is SessionStateException or ProviderInvocationException or IOException or UnauthorizedAccessException)
        {
            WriteError(new ErrorRecord(e, ErrorIds.FileUnreadable, ErrorCategory.OpenError, asked));
        }
    }

    private void ReadFile(string path, ProviderInfo provider)
    {
        if (provider.Name != "FileSystem")
        {
            Read(ReadContent($"{provider.Name}::{path}"), path);
            return;
        }

        long length = new FileInfo(path).Length;
        if (length > MaxTextLength)
            WriteFault(new Fault(ErrorIds.RulesetSyntax, Messages.TextTooLong.With(path, MaxTextLength >> 20)), path);
        else
            Read(File.ReadAllText(path, Encoding.UTF8), path);
    }

    private string ReadContent(string path)
    {
        var text = new StringBuilder();
        foreach (IContentReader reader in InvokeProvider.Content.GetReader(path))
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

    private void Read(string text, string? path)
    {
        Ruleset ruleset;
        try
        {
            ruleset = RulesetReader.Read(text, RulesetReadMode.Lenient);
        }
        catch (RulesetSyntaxException e)
        {
            WriteSyntaxError(e, path);
            return;
        }

        foreach (RulesetError error in ruleset.Errors.Take(MaxErrorsShown))
            WriteSyntaxError(new RulesetSyntaxException(error), path);
        if (ruleset.Errors.Count > MaxErrorsShown)
            WriteWarning(Messages.MoreSyntaxErrors.With(ruleset.Errors.Count - MaxErrorsShown, path ?? Messages.PipelineText));
        WriteRules(ruleset, path);
    }

    private void WriteSyntaxError(RulesetSyntaxException exception, string? path) =>
        WriteError(new ErrorRecord(exception, ErrorIds.RulesetSyntax, ErrorCategory.ParserError, path ?? Messages.PipelineText)
        {
            ErrorDetails = new ErrorDetails($"{path ?? Messages.PipelineText}: {exception.Message}"),
        });
}
