namespace NatDsa.Host;

/// <summary>The exit codes that are not a script's own: pwsh's, and the shell's for Ctrl+C.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>A terminating error, or a last statement that left <c>$?</c> false.</summary>
    public const int Failure = 1;

    /// <summary>EX_USAGE of sysexits.h.</summary>
    public const int BadArguments = 64;

    /// <summary>EX_SOFTWARE of sysexits.h: the engine did not start.</summary>
    public const int EngineFailed = 70;

    /// <summary>128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
