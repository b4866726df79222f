using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Tells whether source NAT is in place on a host, or by a text: healthy, erased, incomplete, …</summary>
[Cmdlet(VerbsCommon.Get, "NatIptablesState", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(NatIptablesState))]
public sealed class GetNatIptablesState : RulesetCmdlet
{
    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        const ProbeSections Sections = ProbeSections.Rules | ProbeSections.Files;
        HostSnapshot host = await ProbeAsync(turn, Sections, cancellation).ConfigureAwait(false);
        var state = NatIptablesState.Read(host);
        Write(state);
        if (state.Fault is { } fault)
            Write(fault, turn);
    }

    private protected override void Read(string text, string? path) => WriteObject(NatIptablesState.Of(Texts.Read(text, path), path));
}
