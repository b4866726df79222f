namespace NatDsa.Targets;

/// <summary>What a host's shell answered.</summary>
/// <param name="Output">Standard output, as it came.</param>
/// <param name="Error">Standard error, decoded as UTF-8, at most 64 KiB of it.</param>
/// <param name="ExitCode">The shell's exit code.</param>
internal sealed record HostAnswer(ReadOnlyMemory<byte> Output, string Error, int ExitCode)
{
    /// <summary>Whether the connection was open already; null where there is none to open.</summary>
    public bool? OverKept { get; init; }
}
