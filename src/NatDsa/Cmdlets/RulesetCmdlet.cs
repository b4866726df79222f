using System.Management.Automation;

namespace NatDsa.Cmdlets;

/// <summary>What the cmdlets that read rules have in common: besides from hosts, they read them from files and from text.</summary>
public abstract class RulesetCmdlet : HostCmdlet
{
    internal const string PathSet = "Path";
    internal const string LiteralPathSet = "LiteralPath";
    internal const string TextSet = "Text";

    /// <summary>Makes the cmdlet.</summary>
    protected RulesetCmdlet() => Texts = new RulesetTexts(this);

    /// <summary>Files that hold rules; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true)]
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
    [PipedText]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public string[] Text { get; set; } = [];

    private protected RulesetTexts Texts { get; }

    /// <summary>Writes what a text holds.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">The file that it is from; null for text from the pipeline.</param>
    private protected abstract void Read(string text, string? path);

    // Nobody's host is called as a path; but files with rules of hosts may be called as those are.
    private protected override ErrorRecord WithHint(ErrorRecord error, string name)
    {
        if (ParameterSetName == ComputerNameSet && Texts.FileHint(name) is { } hint)
            error.ErrorDetails = new ErrorDetails($"{error.Exception.Message} {hint}");
        return error;
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case PathSet:
                Texts.ReadFiles(Path, isLiteral: false, Read);
                break;
            case LiteralPathSet:
                Texts.ReadFiles(LiteralPath, isLiteral: true, Read);
                break;
            case TextSet:
                Texts.Append(Text);
                break;
            default:
                base.ProcessRecord();
                break;
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (Texts.Piped is { } text)
            Read(text, null);
        base.EndProcessing();
    }
}
