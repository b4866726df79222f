using System.Management.Automation;
using System.Net;
using NatDsa.Netfilter;

namespace NatDsa.Views;

/// <summary>
/// What scripts see of the objects in place of, or besides, their .NET properties: NatDsa.Types.ps1xml names these
/// methods, each by the type and the property that it is of. ConvertTo-Json goes by the .NET properties, which are
/// text, numbers and flat lists for that reason; a script gets the object that such a text is of.
/// </summary>
public static class ScriptMembers
{
    /// <summary>The host. It is here so that Export-Csv has it in front of the others that are here.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static string? HostRecordComputerName(PSObject instance) => Bare<HostRecord>(instance).ComputerName;

    /// <summary>The host, for the same reason.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static string? RulesetComputerName(PSObject instance) => Bare<Ruleset>(instance).ComputerName;

    /// <summary>The rules before.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static NatIptablesState ChangeResultBefore(PSObject instance) => Bare<ChangeResult>(instance).RulesBefore;

    /// <summary>The rules at the end.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static NatIptablesState ChangeResultAfter(PSObject instance) => Bare<ChangeResult>(instance).RulesAfter;

    /// <summary>How long the step took.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static TimeSpan? ChangeStepDuration(PSObject instance) => Bare<ChangeStep>(instance).Took;

    /// <summary>The backup that was restored.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static NatBackup? RestoreResultBackup(PSObject instance) => Bare<RestoreResult>(instance).KeptBackup;

    /// <summary>In which rules the host differed from the backup.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static ReadableList<RuleDifference> RestoreResultDifferences(PSObject instance) =>
        Bare<RestoreResult>(instance).RuleDifferences;

    /// <summary>The backup that the host keeps.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static NatBackup? ProtectionResultBackup(PSObject instance) => Bare<ProtectionResult>(instance).KeptBackup;

    /// <summary>The agent's version.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Version? DsaAgentStateVersion(PSObject instance) => Bare<DsaAgentState>(instance).Release;

    /// <summary>The agent's version.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Version? DsaMarkerFileAgentVersion(PSObject instance) => Bare<DsaMarkerFile>(instance).AgentRelease;

    /// <summary>How long the request took.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static TimeSpan? NatEgressResultDuration(PSObject instance) => Bare<NatEgressResult>(instance).Took;

    /// <summary>The address that answered.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static IPAddress? NatEgressResultAddress(PSObject instance) => Bare<NatEgressResult>(instance).Answerer;

    /// <summary>The rule.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Rule? RuleDifferenceRule(PSObject instance) => Bare<RuleDifference>(instance).FoundRule;

    /// <summary>The reference's rule.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Rule? RuleDifferenceReferenceRule(PSObject instance) => Bare<RuleDifference>(instance).ExpectedRule;

    /// <summary>The rule that does the source NAT.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Rule SourceNatRule(PSObject instance) => Bare<SourceNat>(instance).NatRule;

    /// <summary>What the rule serves, fit to be shown. Hidden; for lines of several kinds of objects.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static string SourceNatDescription(PSObject instance) =>
        Untrusted.OneLine(Bare<SourceNat>(instance).ToString());

    /// <summary>Where the rule is, fit to be shown. Hidden; for lines of several kinds of objects.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static string RulePlace(PSObject instance)
    {
        Rule rule = Bare<Rule>(instance);
        return Untrusted.OneLine($"{rule.Table} {rule.Chain} {rule.Number}");
    }

    /// <summary>The tables.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static ReadableList<Table> RulesetTables(PSObject instance) => Bare<Ruleset>(instance).TableList;

    /// <summary>The text that the rules were read from. Hidden; what Export-Clixml keeps of them.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static string RulesetText(PSObject instance) => Bare<Ruleset>(instance).SourceText;

    /// <summary>Everything that was read. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static IReadOnlyList<Ruleset> NatIptablesStateRulesets(PSObject instance) =>
        Bare<NatIptablesState>(instance).Rulesets;

    /// <summary>The rules that ran. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static IReadOnlyList<Ruleset> NatBackupRulesets(PSObject instance) => Bare<NatBackup>(instance).Rulesets;

    /// <summary>The chain that the rule is in. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Chain RuleDeclaringChain(PSObject instance) => Bare<Rule>(instance).DeclaringChain;

    /// <summary>The chain that matching packets go to; null when the target is none. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static Chain? RuleTargetChain(PSObject instance) => Bare<Rule>(instance).TargetChain;

    /// <summary>The matches, one by one. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static RuleMatchList RuleMatches(PSObject instance) => Bare<Rule>(instance).Matches;

    /// <summary>The target's own options, one by one. Hidden.</summary>
    /// <param name="instance">The object that is asked.</param>
    public static RuleOptionList RuleTargetOptions(PSObject instance) => Bare<Rule>(instance).TargetOptions;

    private static T Bare<T>(PSObject instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        return (T)instance.BaseObject;
    }
}
