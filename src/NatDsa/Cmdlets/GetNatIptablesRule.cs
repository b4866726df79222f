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

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        var running = RunningRules.Read(await ProbeAsync(turn, ProbeSections.Rules, cancellation).ConfigureAwait(false));
        foreach (Rule rule in Wanted(running.Rulesets.SelectMany(ruleset => ruleset.Rules)))
            Write(rule);

        if (running.Fault is { } fault)
            Write(fault, turn);
    }

    // Rule by rule: the first is written before the last is read.
    private protected override void Read(string text, string? path)
    {
        IEnumerable<Rule> rules = RulesetReader.ReadRules(text, out Ruleset ruleset);
        int errors = 0;
        foreach (Rule rule in Wanted(rules))
        {
            Texts.WriteErrors(ruleset, path, ref errors);
            WriteObject(rule);
        }

        Texts.WriteLastErrors(ruleset, path, errors);
    }

    private IEnumerable<Rule> Wanted(IEnumerable<Rule> rules)
    {
        WildcardPattern[] tables = Patterns(Table), chains = Patterns(Chain), targets = Patterns(Target);
        // Rules of a chain mostly stand together: one look at its name does for all of them.
        Netfilter.Chain? chain = null;
        bool isWanted = false;
        foreach (Rule rule in rules)
        {
            if (rule.DeclaringChain != chain)
            {
                chain = rule.DeclaringChain;
                isWanted = Matches(tables, chain.Table.Name) && Matches(chains, chain.Name);
            }

            if (isWanted && Matches(targets, rule.Target ?? ""))
                yield return rule;
        }
    }

    private static WildcardPattern[] Patterns(string[] patterns) =>
        [.. patterns.Select(p => WildcardPattern.Get(p, WildcardOptions.IgnoreCase))];

    private static bool Matches(WildcardPattern[] patterns, string word) => patterns.Any(p => p.IsMatch(word));
}
