using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Tells whether NAT works on a host, or by a text: healthy, erased, incomplete, or not known.</summary>
[Cmdlet(VerbsCommon.Get, "NatIptablesState", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(NatIptablesState))]
public sealed class GetNatIptablesState : RulesetCmdlet
{
    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        NatIptablesState state = NatIptablesState.Read(await ProbeAsync(turn, ProbeSections.Rules, cancellation).ConfigureAwait(false));
        Write(state);
        if (state.Fault is { } fault)
            Write(fault, turn);
    }

    private protected override void Read(string text, string? path) => WriteObject(NatIptablesState.Of(Texts.Read(text, path), path));
}
