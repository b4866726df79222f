namespace NatDsa.Netfilter;

/// <summary>Whose packets a table sees. The names are those of <c>nft</c>'s families.</summary>
public enum NetfilterFamily
{
    /// <summary>The text does not tell, or holds tables of several families.</summary>
    Unknown = 0,

    /// <summary>IPv4: iptables, and nft's <c>ip</c>.</summary>
    IPv4,

    /// <summary>IPv6: ip6tables, and nft's <c>ip6</c>.</summary>
    IPv6,

    /// <summary>IPv4 and IPv6 at once: nft's <c>inet</c>.</summary>
    Inet,

    /// <summary>ARP: nft's <c>arp</c>.</summary>
    Arp,

    /// <summary>Bridged frames: nft's <c>bridge</c>.</summary>
    Bridge,

    /// <summary>Frames of one device, as they come in: nft's <c>netdev</c>.</summary>
    NetDev,
}
