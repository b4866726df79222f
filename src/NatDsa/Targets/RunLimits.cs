namespace NatDsa.Targets;

/// <summary>The bounds of one run on one host.</summary>
/// <param name="Time">Connect, authentication, execution and reading together.</param>
/// <param name="KillOnStop">
/// Whether the script is killed when the time is up or the run is cancelled. A script that changes a host is left to come
/// to its own end: it undoes what it cannot finish.
/// </param>
/// <param name="MaxOutput">Bytes of standard output after which the host counts as broken.</param>
internal sealed record RunLimits(TimeSpan Time, bool KillOnStop = true, int MaxOutput = 256 << 20)
{
    /// <summary>Whether to run the script through sudo, and with which password.</summary>
    public Sudo? Sudo { get; init; }
}
