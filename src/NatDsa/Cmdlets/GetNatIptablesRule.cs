using System.Management.Automation;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Lists the rules of a host, or of a text, one object a rule.</summary>
[Cmdlet(VerbsCommon.Get, "NatIptablesRule", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(Rule))]
public sealed class GetNatIptablesRule : RulesetCmdlet
{
    /// <summary>Only rules of these tables, such as <c>nat</c>.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetfilterWords))]
    public string[] Table { get; set; } = ["*"];

    /// <summary>Only rules of these chains, such as <c>POSTROUTING</c>.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetfilterWords))]
    public string[] Chain { get; set; } = ["*"];

    /// <summary>Only rules with these targets, such as <c>MASQUERADE</c>.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetfilterWords))]
    public string[] Target { get; set; } = ["*"];

    private protected override async Task RunAsync(HostTarget target, CancellationToken cancellation)
    {
        var running = RunningRules.Read(await ProbeAsync(target, ProbeSections.Rules, cancellation).ConfigureAwait(false));
        foreach (Rule rule in running.Rulesets.SelectMany(Wanted))
        {
            var written = new PSObject(rule);
            written.Properties.Add(new PSNoteProperty(nameof(HostRecord.ComputerName), target.ComputerName));
            Write(written);
        }

        if (running.Fault is { } fault)
            Write(fault, target);
    }

    private protected override void WriteRules(Ruleset ruleset, string? path)
    {
        foreach (Rule rule in Wanted(ruleset))
            WriteObject(rule);
    }

    private IEnumerable<Rule> Wanted(Ruleset ruleset)
    {
        WildcardPattern[] tables = Patterns(Table), chains = Patterns(Chain), targets = Patterns(Target);
        return
            from table in ruleset.Tables
            where Matches(tables, table.Name)
            from chain in table.Chains
            where Matches(chains, chain.Name)
            from rule in chain.Rules
            where Matches(targets, rule.Target ?? "")
            select rule;
    }

    private static WildcardPattern[] Patterns(string[] patterns) =>
        [.. patterns.Select(p => WildcardPattern.Get(p, WildcardOptions.IgnoreCase))];

    private static bool Matches(WildcardPattern[] patterns, string word) => patterns.Any(p => p.IsMatch(word));
}
