namespace NatDsa.Netfilter;

/// <summary>The names of protocols, so that <c>6</c>, <c>tcp</c> and <c>TCP</c> are one. Numbers: IANA's protocol registry.</summary>
internal static class Protocols
{
    /// <summary>The protocol's one name, as iptables-save writes it; null when it is none of the well known.</summary>
    public static string? NameOf(ReadOnlySpan<char> word) => word switch
    {
        "tcp" or "6" or "TCP" => "tcp",
        "udp" or "17" or "UDP" => "udp",
        "all" or "0" or "any" or "ip" or "ALL" => "all",
        "icmp" or "1" or "ICMP" => "icmp",
        "ipv6-icmp" or "icmpv6" or "icmp6" or "58" => "ipv6-icmp",
        "esp" or "50" or "ipv6-crypt" => "esp",
        "ah" or "51" or "ipv6-auth" => "ah",
        "sctp" or "132" => "sctp",
        "udplite" or "136" => "udplite",
        "gre" or "47" => "gre",
        "igmp" or "2" => "igmp",
        "ipencap" or "4" => "ipencap",
        "dccp" or "33" => "dccp",
        "ipv6" or "41" => "ipv6",
        "ospf" or "89" => "ospf",
        "pim" or "103" => "pim",
        "vrrp" or "112" => "vrrp",
        "mobility-header" or "ipv6-mh" or "mh" or "135" => "mobility-header",
        _ => null,
    };
}
