using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Tells the agent's version, its modules, and what it will do to the host's iptables rules.</summary>
[Cmdlet(VerbsCommon.Get, "DsaAgentState", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(DsaAgentState))]
public sealed class GetDsaAgentState : HostCmdlet
{
    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation) =>
        Write(DsaAgentState.Read(await ProbeAsync(turn, ProbeSections.Agent | ProbeSections.Marker, cancellation).ConfigureAwait(false)));
}
