using System.Security;

namespace NatDsa.Targets;

/// <summary>The bounds of one run on one host, and the user that it runs as.</summary>
/// <param name="Time">Connect, authentication, execution and reading together.</param>
internal sealed record RunLimits(TimeSpan Time)
{
    /// <summary>What the administrator gave the host in all, of which <see cref="Time"/> is left: for messages.</summary>
    public TimeSpan Given { get; init; } = Time;

    /// <summary>
    /// Whether the script is killed when the time is up or the run is cancelled. A script that changes a host is left to
    /// come to its own end: it undoes what it cannot finish.
    /// </summary>
    public bool KillOnStop { get; init; } = true;

    /// <summary>Bytes of standard output after which the host counts as broken: some half a million rules.</summary>
    public int MaxOutput { get; init; } = 64 << 20;

    /// <summary>How the script becomes root; null: it runs as the user that it is.</summary>
    public Sudo? Sudo { get; init; }
}

/// <summary>That a script runs through sudo.</summary>
/// <param name="Password">The password for it; null: <c>sudo -n</c>, which never asks.</param>
internal sealed record Sudo(SecureString? Password);
