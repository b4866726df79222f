using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Makes an HTTP request on a host behind the NAT: any HTTP answer is the proof that NAT works.</summary>
[Cmdlet(VerbsDiagnostic.Test, "NatEgress", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(NatEgressResult), typeof(bool))]
public sealed class TestNatEgress : HostCmdlet
{
    /// <summary>What to ask for: an http or https address.</summary>
    [Parameter]
    [ValidateNotNull]
    [HttpUri]
    public Uri Uri { get; set; } = EgressRequest.DefaultUri;

    /// <summary>Seconds that the request may take.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int RequestTimeoutSec { get; set; } = 10;

    /// <summary>Only say true or false.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await AnswerAsync(
            turn.Target, HostScripts.Egress(Uri, TimeSpan.FromSeconds(RequestTimeoutSec)), LimitsOf(turn), cancellation).ConfigureAwait(false);
        NatEgressResult result = NatEgressResult.Read(host, Uri);
        if (result.Fault is { } fault)
            Write(fault, turn);
        else
            Write(Quiet ? result.Succeeded : result);
    }
}
