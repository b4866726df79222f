using System.Management.Automation;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Tells in which rules a host, or a text, differs from a reference: a file, another host, or what the host would load at boot.</summary>
[Cmdlet(VerbsData.Compare, "NatIptablesState", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(RuleDifference), typeof(bool))]
public sealed class CompareNatIptablesState : RulesetCmdlet
{
    private ReferenceRules? _reference;

    /// <summary>The rules to compare with: files, folders with backups, what <c>Get-NatIptablesState</c> or <c>Backup-NatIptablesState</c> wrote, or rulesets.</summary>
    [Parameter]
    [Alias("ReferencePath")]
    [ValidateNotNullOrEmpty]
    public object[] Reference { get; set; } = [];

    /// <summary>Compare the running rules of each host with its own persisted ones, which it loads at boot.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    [Parameter(ParameterSetName = SessionSet)]
    [Parameter(ParameterSetName = HostNameSet)]
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Parameter(ParameterSetName = InputObjectSet)]
    public SwitchParameter Persisted { get; set; }

    /// <summary>Other packet and byte counters are a difference, too.</summary>
    [Parameter]
    public SwitchParameter IncludeCounters { get; set; }

    /// <summary>Only say true or false: whether nothing is different.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Persisted == Reference.Length > 0)
        {
            var none = new HostException(ErrorIds.NotComparable, Messages.ReferenceMissing);
            ThrowTerminatingError(none.ToErrorRecord(null));
        }

        if (Persisted)
            return;
        try
        {
            _reference = ReferenceRules.Read(this, Reference);
        }
        catch (HostException e)
        {
            ThrowTerminatingError(e.ToErrorRecord(Reference));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // A state has its rules already, from whenever it was read.
        if (ParameterSetName != InputObjectSet || Persisted)
        {
            base.ProcessRecord();
            return;
        }

        HostRecord[] records = InputObject;
        foreach (NatIptablesState state in records.OfType<NatIptablesState>())
            CompareHere(ComparedRules.Of(state), state);
        InputObject = [.. records.Where(record => record is not NatIptablesState)];
        base.ProcessRecord();
    }

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, Persisted ? ProbeSections.Rules | ProbeSections.Persisted : ProbeSections.Rules, cancellation).ConfigureAwait(false);
        var state = NatIptablesState.Read(host);
        ComparedRules rules = ComparedRules.Of(state);
        if (Persisted)
        {
            (ComparedRules? persisted, Fault? fault) = PersistedRules.Read(host);
            if (persisted is null)
            {
                Write(fault!, turn);
                return;
            }

            Write(RulesetComparison.Of(persisted, PersistedRules.Comparable(rules), IncludeCounters, state), turn);
            if (fault is not null)
                Write(fault, turn);
            return;
        }

        Write(RulesetComparison.Of(_reference!.For(turn.Target.ComputerName), rules, IncludeCounters, state), turn);
    }

    private protected override void Read(string text, string? path)
    {
        Ruleset ruleset = RulesetReader.Read(text, RulesetReadMode.Lenient, path is null ? NetfilterFamily.Unknown : BackEnds.FamilyOfFile(System.IO.Path.GetFileName(path)));
        ruleset.BackEnd = path is null ? null : BackEnds.OfFile(System.IO.Path.GetFileName(path));
        CompareHere(new ComparedRules(path, [ruleset], IsWhole: false), NatIptablesState.Of(ruleset, path));
    }

    private void CompareHere(ComparedRules rules, NatIptablesState of)
    {
        try
        {
            RulesetComparison comparison = RulesetComparison.Of(_reference!.For(of.ComputerName), rules, IncludeCounters, of);
            foreach (object result in Results(comparison))
                WriteObject(result);
            if (comparison.Fault is { } fault)
                WriteFault(fault, rules.Name ?? Messages.PipelineText);
        }
        catch (HostException e)
        {
            WriteError(e.ToErrorRecord(rules.Name ?? Messages.PipelineText));
        }
    }

    private void Write(RulesetComparison comparison, HostTurn turn)
    {
        foreach (object result in Results(comparison))
            Write(result);
        if (comparison.Fault is { } fault)
            Write(fault, turn);
    }

    private IEnumerable<object> Results(RulesetComparison comparison) =>
        !Quiet ? comparison.Differences
        : comparison.Differences.Count > 0 ? [false]
        : comparison.Fault is null ? [true]
        : [];
}
