namespace NatDsa.Netfilter;

/// <summary>What happens to a packet that comes to the end of a built-in chain.</summary>
public enum ChainPolicy
{
    /// <summary>The chain has no policy: it is a user's, and the packet goes back to where it came from. Written <c>-</c>.</summary>
    None = 0,

    /// <summary>The packet goes on.</summary>
    Accept,

    /// <summary>The packet is dropped.</summary>
    Drop,

    /// <summary>Another word stands there; see <see cref="Chain.PolicyText"/>.</summary>
    Other,
}
