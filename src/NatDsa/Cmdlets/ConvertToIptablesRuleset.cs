using System.Management.Automation;
using NatDsa.Netfilter;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Writes rulesets as iptables-save does, one string each, for iptables-restore to load.</summary>
[Cmdlet(VerbsData.ConvertTo, "IptablesRuleset")]
[OutputType(typeof(string))]
public sealed class ConvertToIptablesRuleset : PSCmdlet
{
    /// <summary>The rulesets; those of a <see cref="NatIptablesState"/> come by its property.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias(nameof(NatIptablesState.Rulesets))]
    public Ruleset[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (Ruleset ruleset in InputObject)
        {
            string text;
            try
            {
                text = IptablesSaveWriter.Write(ruleset);
            }
            catch (InvalidOperationException e)
            {
                WriteError(ErrorCategories.ToErrorRecord(e, ErrorIds.RulesetNotWritable, ruleset));
                continue;
            }

            WriteObject(text);
        }
    }
}
