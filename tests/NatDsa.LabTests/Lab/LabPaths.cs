namespace NatDsa.LabTests;

/// <summary>Where things are in the repository that the tests were built from.</summary>
public static class LabPaths
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The <c>lab</c> command.</summary>
    public static string LabCommand { get; } = Path.Combine(Root, "tests", "Lab", "lab");

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
