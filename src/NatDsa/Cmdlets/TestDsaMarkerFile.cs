using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Tells whether the agent's marker files are there, right, and enough for the agent on the host.</summary>
[Cmdlet(VerbsDiagnostic.Test, "DsaMarkerFile", DefaultParameterSetName = LocalSet)]
[OutputType(typeof(DsaMarkerFile), typeof(bool))]
public sealed class TestDsaMarkerFile : HostCmdlet
{
    /// <summary>Only this marker; both when it is not given.</summary>
    [Parameter]
    public DsaMarker? Marker { get; set; }

    /// <summary>Only say true or false: whether the marker that keeps the rules is sufficient for the agent on the host.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, ProbeSections.Agent | ProbeSections.Marker, cancellation).ConfigureAwait(false);
        IReadOnlyList<DsaMarkerFile> markers = DsaAgentState.Read(host).Markers;
        if (markers.Count == 0)
        {
            Write(new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(turn.Target.ComputerName)), turn);
            return;
        }

        if (Quiet)
        {
            Write(markers.Single(m => m.Marker == (Marker ?? DsaMarker.UseDsaWithIptables)).Sufficient);
            return;
        }

        foreach (DsaMarkerFile marker in markers.Where(m => Marker is null || m.Marker == Marker))
            Write(marker);
    }
}
