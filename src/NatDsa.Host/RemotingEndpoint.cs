using System.Runtime.CompilerServices;

namespace NatDsa.Host;

/// <summary>
/// The far end of PowerShell remoting over SSH: what an sshd runs for <c>Subsystem powershell /path/natdsa -sshs</c>. The
/// protocol (MS-PSRP in the engine's out-of-process framing) goes over standard input and output until the client closes it.
/// </summary>
internal static class RemotingEndpoint
{
    /// <summary>Serves one client.</summary>
    public static int Serve()
    {
        ModulePath.Prepend();
        // Errors go to the client framed, on standard output: an sshd subsystem has no other way to it.
        Run(null, initialCommand: null, workingDirectory: null, configurationName: null, configurationFile: null, combineErrOutStream: true);
        return ExitCode.Success;
    }

    // Internal to the engine: pwsh's own entry point for -sshs. The engine's version is pinned, and tests hold this to it.
    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Run")]
    private static extern void Run(
        [UnsafeAccessorType("System.Management.Automation.Remoting.Server.StdIOProcessMediator, System.Management.Automation")] object? mediator,
        string? initialCommand,
        string? workingDirectory,
        string? configurationName,
        string? configurationFile,
        bool combineErrOutStream);
}
