using System.Reflection;

namespace NatDsa;

/// <summary>The PowerShell that .config/dotnet-tools.json pins, as a program of its own.</summary>
internal static class Pwsh
{
    /// <summary>The program; <c>dotnet tool restore</c> puts it there.</summary>
    public static string Program { get; } = OperatingSystem.IsWindows()
        ? Path.Combine(Tool, "win", "pwsh.exe")
        : Path.Combine(Tool, "unix", "pwsh");

    /// <summary>The .NET that runs the tests: what a program that is started apart must find.</summary>
    public static string DotnetRoot { get; } =
        Path.GetFullPath(Path.Combine(typeof(object).Assembly.Location, "../../../.."));

    private static string Tool => Assembly.GetExecutingAssembly()
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "PowerShellTool").Value!;
}
