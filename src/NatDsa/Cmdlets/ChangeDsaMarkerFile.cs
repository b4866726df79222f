using System.Management.Automation;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>What creating and removing a marker file have in common.</summary>
public abstract class ChangeDsaMarkerFile : HostCmdlet
{
    /// <summary>Which marker.</summary>
    [Parameter]
    public DsaMarker Marker { get; set; } = DsaMarker.UseDsaWithIptables;

    /// <summary>Write the marker as it is on the host now.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected abstract bool Removes { get; }

    private protected override bool ChangesHosts => true;

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        string path = Marker.Path();
        string action = (Removes ? Messages.ActionRemoveMarker : Messages.ActionSetMarker).With(path);
        if (!await AskAsync(turn, () => ShouldProcess(turn.Target.ComputerName, action)).ConfigureAwait(false))
            return;

        HostSnapshot host = await AnswerAsync(turn.Target, HostScripts.Marker(Marker, Removes), LimitsOf(turn), cancellation).ConfigureAwait(false);
        DsaMarkerFile? marker = DsaAgentState.Read(host).Markers.FirstOrDefault(m => m.Marker == Marker);
        if (host.Answer["change"] is not { } change || marker is null)
            Write(new Fault(ErrorIds.AnswerBroken, Messages.AnswerBroken.With(turn.Target.ComputerName)), turn);
        else if (change.ExitCode != 0)
            Write(WhyNot(marker, host, change), turn);
        else if (PassThru)
            Write(marker);
    }

    private static Fault WhyNot(DsaMarkerFile marker, HostSnapshot host, Section change)
    {
        if (marker is { Present: true, Usable: false })
            return new Fault(ErrorIds.MarkerUnusable, Messages.MarkerUnusable.With(host.ComputerName, marker.Path, marker.Kind));
        return host.IsRoot
            ? new Fault(ErrorIds.MarkerFailed, Messages.MarkerFailed.With(host.ComputerName, marker.Path, change.Error))
            : new Fault(ErrorIds.PermissionDenied, Messages.MarkerNeedsRoot.With(host.ComputerName, marker.Path));
    }
}

/// <summary>Creates a marker file; one that is there is left as it is.</summary>
[Cmdlet(VerbsCommon.Set, "DsaMarkerFile", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true)]
[OutputType(typeof(DsaMarkerFile))]
public sealed class SetDsaMarkerFile : ChangeDsaMarkerFile
{
    private protected override bool Removes => false;
}

/// <summary>Removes a marker file: the agent may erase the rules at its next start.</summary>
[Cmdlet(VerbsCommon.Remove, "DsaMarkerFile", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(DsaMarkerFile))]
public sealed class RemoveDsaMarkerFile : ChangeDsaMarkerFile
{
    private protected override bool Removes => true;
}
