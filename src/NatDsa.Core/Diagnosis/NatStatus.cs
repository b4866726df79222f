namespace NatDsa;

/// <summary>Whether a host does source NAT, as far as its rules tell.</summary>
public enum NatStatus
{
    /// <summary>It cannot be told: nothing was read, or not all of it, or not the part that decides.</summary>
    Unknown = 0,

    /// <summary>A rule that does source NAT is reachable from nat's POSTROUTING or a native postrouting hook, and forwarding is on where that is known.</summary>
    Healthy,

    /// <summary>There is nothing left: no operator's rule in any table and every built-in policy ACCEPT, or no table loaded.</summary>
    Erased,

    /// <summary>There are rules, but none that does source NAT is reachable.</summary>
    NatMissing,

    /// <summary>The rules do source NAT, but the kernel does not forward packets (<c>ip_forward</c> is 0).</summary>
    ForwardingOff,
}
