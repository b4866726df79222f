using NatDsa.Probe;

namespace NatDsa.Targets;

/// <summary>Where a script runs, and how that place is reached.</summary>
public abstract class HostTarget
{
    /// <summary>The host's name as the caller gave it.</summary>
    public abstract string ComputerName { get; }

    /// <summary>How it is reached, in words: never with a secret.</summary>
    internal virtual string Way => ComputerName;

    /// <summary>Runs a script in the host's <c>/bin/sh</c>, sent on standard input.</summary>
    /// <param name="script">What to run.</param>
    /// <param name="limits">How long it may take, and what a cancellation does.</param>
    /// <param name="cancellation">Ctrl+C.</param>
    /// <exception cref="HostException">The host could not be reached, or did not answer in time.</exception>
    internal abstract Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation);

    /// <summary>Keeps the connection open between runs, until the last one who holds it lets go, and for a while after that. Null: there is none to keep.</summary>
    internal virtual IDisposable? Hold() => null;

    /// <summary>Closes the connection, if one is kept.</summary>
    internal virtual void Drop()
    {
    }

    /// <summary>What the user is to know of the way, each of it once: keys that are of no use.</summary>
    internal virtual IEnumerable<string> TakeWarnings() => [];

    /// <summary>
    /// The same host, over a connection that is not open yet, so that a run proves that one can be made; null when there is no way to prove that.
    /// </summary>
    internal virtual Task<HostTarget?> AnewAsync(CancellationToken cancellation) => Task.FromResult<HostTarget?>(null);

    /// <summary>Another host, reached as this one is; by PowerShell remoting where this one's way leads nowhere else.</summary>
    internal virtual HostTarget Another(string name, HostAddress address) =>
        new HostNameTarget(name, address, new SshRemoting());

    /// <inheritdoc/>
    public override string ToString() => ComputerName;
}
