using System.Management.Automation;
using NatDsa.Privilege;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Writes natdsa-host: the one program that sudo need allow on a host, in place of a shell.</summary>
[Cmdlet(VerbsData.Export, "DsaHostCommand", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportDsaHostCommand : PSCmdlet
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The file to write; one that is there is replaced.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        string path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path);
        if (!ShouldProcess(path))
            return;
        try
        {
            // A host may be running the one that is there.
            WholeFile.Replace(path, HostCommand.ToBytes(), Executable);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorCategories.ToErrorRecord(e, ErrorIds.FileNotWritten, Path));
        }

        WriteObject(new FileInfo(path));
    }
}
