using System.Net;
using System.Net.Sockets;

namespace NatDsa.Ssh;

/// <summary>Looks up the addresses of hosts by their names.</summary>
internal static class HostLookup
{
    /// <summary>
    /// The addresses of a host. The system's resolver can wait for minutes for a name server that does not answer, and cannot be broken off: it
    /// has a thread of its own, and who is cancelled leaves it behind.
    /// </summary>
    /// <exception cref="SocketException">The name leads nowhere.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation) => IPAddress.TryParse(host, out IPAddress? address)
        ? [address]
        : await Task.Factory.StartNew(() => Dns.GetHostAddresses(host), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellation).ConfigureAwait(false);
}
