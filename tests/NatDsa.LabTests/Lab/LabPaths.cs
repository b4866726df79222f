namespace NatDsa.LabTests;

/// <summary>Where things are in the repository that the tests were built from.</summary>
public static class LabPaths
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The <c>lab</c> command.</summary>
    public static string LabCommand { get; } = Path.Combine(Root, "tests", "Lab", "lab");

    /// <summary>
    /// The natdsa program: the one that NATDSA names, else the one of the configuration that the tests were built in.
    /// </summary>
    public static string Natdsa { get; } =
        Environment.GetEnvironmentVariable("NATDSA")
        ?? Path.Combine(Root, "src", "NatDsa.Host", "bin", Configuration, "net10.0", "natdsa");

    private static string Configuration =>
        Directory.GetParent(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar))?.Name ?? "Release";

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "NatDsa.slnx")))
                return directory.FullName;
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside the repository.");
    }
}
