namespace NatDsa.Ssh;

/// <summary>Where ssh's own files are.</summary>
internal static class SshFolders
{
    /// <summary>The user's home; null for a user who has none, as a service may be.</summary>
    public static string? Home =>
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? home : null;

    /// <summary>The user's own files; null: there are none.</summary>
    public static string? User => Home is { } home ? Path.Combine(home, ".ssh") : null;

    /// <summary>The machine's.</summary>
    public static string Machine => OperatingSystem.IsWindows()
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "ssh")
        : "/etc/ssh";
}
