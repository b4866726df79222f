namespace NatDsa;

/// <summary>Whether a host does source NAT, as far as its rules tell.</summary>
/// <remarks>The numbers do not change: what was written before is compared with what is written now.</remarks>
public enum NatStatus
{
    /// <summary>It cannot be told: nothing was read, or not all of it, or not the part that decides.</summary>
    Unknown = 0,

    /// <summary>
    /// A rule that does source NAT is reachable from nat's POSTROUTING or a native postrouting hook, forwarding is on
    /// where that is known, and nothing is known to be missing. It is the rules that say so: whether packets pass,
    /// <c>Test-NatEgress</c> tells.
    /// </summary>
    Healthy,

    /// <summary>There is nothing left: no operator's rule in any table and every built-in policy ACCEPT, or no table loaded.</summary>
    Erased,

    /// <summary>There are rules, but none that does source NAT is reachable.</summary>
    NatMissing,

    /// <summary>The rules do source NAT, but the kernel does not forward packets (<c>ip_forward</c> is 0).</summary>
    ForwardingOff,

    /// <summary>
    /// A rule that does source NAT is reachable, but not all that the host is known to need: the persisted rules have
    /// more; or, where none are persisted, all that runs is for the containers or virtual machines of an owner such as
    /// Docker, and the newest good backup on the host has more.
    /// </summary>
    Incomplete,
}
