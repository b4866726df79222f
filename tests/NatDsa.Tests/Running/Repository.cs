namespace NatDsa.Tests.Running;

/// <summary>Where the files that are tested as they lie are.</summary>
internal static class Repository
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    /// <summary>The folder of NatDsa.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The module as it was laid.</summary>
    public static string Module { get; } = Path.Combine(Root, "out", Configuration == "Release" ? "" : Configuration, "NatDsa");

    /// <summary>Where the module's assembly was built, with its documentation.</summary>
    public static string ModuleBuild { get; } = Path.Combine(Root, "src", "NatDsa", "bin", Configuration, "net8.0");

    /// <summary>The program that makes the module's help.</summary>
    public static string HelpTool { get; } =
        Path.Combine(Root, "src", "NatDsa.Help", "bin", Configuration, "net10.0", OperatingSystem.IsWindows() ? "NatDsa.Help.exe" : "NatDsa.Help");

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "NatDsa.slnx")))
                return folder;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds NatDsa.slnx.");
    }
}
