using System.Management.Automation;
using NatDsa.Netfilter;

namespace NatDsa.Cmdlets;

/// <summary>Reads rules from text or files into one object a text, which loses nothing of it.</summary>
[Cmdlet(VerbsData.ConvertFrom, "IptablesRuleset", DefaultParameterSetName = RulesetCmdlet.TextSet)]
[OutputType(typeof(Ruleset))]
public sealed class ConvertFromIptablesRuleset : PSCmdlet
{
    private readonly RulesetTexts _texts;

    /// <summary>Makes the cmdlet.</summary>
    public ConvertFromIptablesRuleset() => _texts = new RulesetTexts(this);

    /// <summary>The rules as text, line by line or as one string.</summary>
    [Parameter(ParameterSetName = RulesetCmdlet.TextSet, Mandatory = true, ValueFromPipeline = true, Position = 0)]
    [AllowEmptyString]
    [AllowEmptyCollection]
    public string[] Text { get; set; } = [];

    /// <summary>Files that hold rules; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = RulesetCmdlet.PathSet, Mandatory = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>Files that hold rules, by their exact names.</summary>
    [Parameter(ParameterSetName = RulesetCmdlet.LiteralPathSet, Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == RulesetCmdlet.TextSet)
            _texts.Append(Text);
        else if (ParameterSetName == RulesetCmdlet.PathSet)
            _texts.ReadFiles(Path, isLiteral: false, Read);
        else
            _texts.ReadFiles(LiteralPath, isLiteral: true, Read);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_texts.Piped is { } text)
            Read(text, null);
    }

    private void Read(string text, string? path) => WriteObject(_texts.Read(text, path));
}
