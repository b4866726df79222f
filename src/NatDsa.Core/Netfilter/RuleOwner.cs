namespace NatDsa.Netfilter;

/// <summary>Who made a chain or a rule, as far as names tell that the owners document.</summary>
public enum RuleOwner
{
    /// <summary>Nobody who is known: the administrator, or for a built-in chain the kernel.</summary>
    None = 0,

    /// <summary>Docker: <c>DOCKER</c>, <c>DOCKER-USER</c>, <c>DOCKER-FORWARD</c>, …</summary>
    Docker,

    /// <summary>Podman's netavark: <c>NETAVARK_FORWARD</c>, <c>NETAVARK-HOSTPORT-DNAT</c>, …</summary>
    Podman,

    /// <summary>Kubernetes, <c>KUBE-SERVICES</c> and the like, and its network plug-ins: <c>CNI-…</c>, <c>cali-…</c>, <c>FLANNEL-…</c>, <c>CILIUM_…</c>.</summary>
    Kubernetes,

    /// <summary>firewalld: <c>INPUT_ZONES</c>, <c>IN_public_allow</c>, <c>POST_public</c>, …</summary>
    Firewalld,

    /// <summary>ufw: <c>ufw-user-input</c>, <c>ufw6-before-forward</c>, …</summary>
    Ufw,

    /// <summary>libvirt: <c>LIBVIRT_PRT</c>, <c>libvirt-in</c>, …</summary>
    Libvirt,

    /// <summary>fail2ban: <c>f2b-sshd</c>, before version 0.10 <c>fail2ban-ssh</c>.</summary>
    Fail2ban,

    /// <summary>shorewall, which owns every chain of a ruleset that has its <c>shorewall</c> chain.</summary>
    Shorewall,

    /// <summary>Deep Security Agent: the rules that accept its own ports.</summary>
    SecurityAgent,
}
