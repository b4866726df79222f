namespace NatDsa.Host;

/// <summary>Where the module lies, and how runspaces other than the program's own find it.</summary>
internal static class ModulePath
{
    private const string Variable = "PSModulePath";

    /// <summary>The manifest of the module beside the program.</summary>
    public static string Manifest { get; } = Path.Combine(AppContext.BaseDirectory, "NatDsa", "NatDsa.psd1");

    /// <summary>Lets every runspace of this process, remote sessions and <c>ForEach-Object -Parallel</c> too, load the module by its name.</summary>
    public static void Prepend()
    {
        string directory = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string? others = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, string.IsNullOrEmpty(others) ? directory : directory + Path.PathSeparator + others);
    }
}
