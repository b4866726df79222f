namespace NatDsa.LabTests;

/// <summary>How the NAT host keeps and loads its rules.</summary>
public enum LabFlavor
{
    /// <summary>The init scripts of RHEL 6: <c>/etc/rc.d/init.d/iptables</c>, <c>/etc/sysconfig/iptables</c>, <c>chkconfig</c>.</summary>
    SysV,

    /// <summary>Debian without systemd: netfilter-persistent, <c>/etc/iptables/rules.v4</c>, <c>update-rc.d</c>.</summary>
    Debian,

    /// <summary>
    /// Debian booted with systemd: netfilter-persistent.service, <c>/etc/iptables/rules.v4</c>, the agent as the units ds_agent and ds_filter.
    /// </summary>
    Systemd,

    /// <summary>
    /// The same system dressed as RHEL 7: iptables.service and ip6tables.service as iptables-services has them, <c>/etc/sysconfig/iptables</c>.
    /// </summary>
    Rhel7,
}

/// <summary>What <c>iptables</c> is on the NAT host.</summary>
public enum LabBackend
{
    /// <summary>iptables-nft.</summary>
    Nft,

    /// <summary>iptables-legacy.</summary>
    Legacy,
}

/// <summary>What a lab is raised with.</summary>
/// <param name="Flavor">The NAT host's family.</param>
/// <param name="Backend">Its iptables back end.</param>
public sealed record LabOptions(LabFlavor Flavor = LabFlavor.SysV, LabBackend Backend = LabBackend.Nft)
{
    /// <summary>The NAT host's language.</summary>
    public string Locale { get; init; } = "C.UTF-8";

    /// <summary>The persisted rules: the name of a file pair in <c>tests/Lab/rules</c>.</summary>
    public string Rules { get; init; } = "standard";

    /// <summary>Debian packages that a NAT host with systemd has besides.</summary>
    public IReadOnlyList<string> With { get; init; } = [];

    /// <summary>Whether systemd runs on the NAT host.</summary>
    public bool OnSystemd => Flavor is LabFlavor.Systemd or LabFlavor.Rhel7;

    /// <inheritdoc/>
    public override string ToString() => $"{Flavor} on iptables-{Backend.ToString().ToLowerInvariant()}";

    internal string[] Arguments =>
    [
        "up", "--hold",
        "--flavor", Flavor.ToString().ToLowerInvariant(),
        "--backend", Backend is LabBackend.Nft ? "nft" : "legacy",
        "--locale", Locale,
        "--rules", Rules,
        .. With.SelectMany(package => new[] { "--with", package }),
    ];
}
