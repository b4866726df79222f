namespace NatDsa.LabTests;

/// <summary>PowerShell as a program of its own, on this machine and on a lab's hosts.</summary>
internal static class LabPwsh
{
    /// <summary>The program on a host, which has the module where all users' modules are.</summary>
    public const string OnHost = "pwsh";

    /// <summary>What it gets to run a command.</summary>
    public static string[] Arguments(string command) => ["-NoProfile", "-NonInteractive", "-Command", command];

    /// <summary>A command line that runs a command in PowerShell on this machine, with the module.</summary>
    /// <param name="command">What <c>-Command</c> gets.</param>
    /// <param name="path">A folder before those of PATH.</param>
    public static string[] Here(string command, string? path = null) =>
    [
        "env",
        $"DOTNET_ROOT={Pwsh.DotnetRoot}",
        $"PSModulePath={Path.Combine(LabPaths.Root, "out")}",
        "POWERSHELL_TELEMETRY_OPTOUT=1",
        $"PATH={(path is null ? "" : path + ":")}{Environment.GetEnvironmentVariable("PATH")}",
        Pwsh.Program,
        .. Arguments(command),
    ];
}
