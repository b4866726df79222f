namespace NatDsa;

/// <summary>The agent's marker files. Source: the vendor's page "Using Deep Security with iptables".</summary>
public enum DsaMarker
{
    /// <summary><c>/etc/use_dsa_with_iptables</c>: keeps agents up to 10.1 from stopping iptables.</summary>
    UseDsaWithIptables,

    /// <summary><c>/etc/do_not_open_ports_on_iptables</c>: keeps agents from 10.2 from adding ACCEPT rules for their own ports.</summary>
    DoNotOpenPortsOnIptables,
}

internal static class DsaMarkerPaths
{
    public static string Path(this DsaMarker marker) => marker switch
    {
        DsaMarker.UseDsaWithIptables => "/etc/use_dsa_with_iptables",
        DsaMarker.DoNotOpenPortsOnIptables => "/etc/do_not_open_ports_on_iptables",
        _ => throw new ArgumentOutOfRangeException(nameof(marker)),
    };
}
