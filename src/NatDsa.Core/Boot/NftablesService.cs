using NatDsa.Probe;

namespace NatDsa.Boot;

/// <summary>The service that loads native nft rules at boot: <c>nftables.service</c>, whose file is a script for <c>nft -f</c>.</summary>
internal static class NftablesService
{
    // Debian's place, and Red Hat's.
    private static readonly string[] s_files = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];

    private static readonly string[] s_owners = ["docker", "kube-", "cni-", "libvirt", "netavark"];

    private static readonly char[] s_wordEnds = [' ', '\t', ';', '{', '}'];

    /// <summary>The file whose rules do source NAT; null when none is seen to. Files that it includes are not looked into.</summary>
    public static string? FileWithSourceNat(HostSnapshot host) =>
        s_files.FirstOrDefault(file => host.Answer.TryGet("file." + file, out Section? section) && HasSourceNat(section.Text));

    /// <summary>Whether a file holds rules that an owner has made as well: somebody saved what ran.</summary>
    public static bool HasRulesOfOwners(HostSnapshot host, string file) =>
        host.Answer["file." + file] is { Text: var script }
        && s_owners.Any(name => script.Contains(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the host loads it at boot.</summary>
    public static bool StartsAtBoot(HostSnapshot host) => host.Answer["service"]?.Fact("boot.nftables") == "yes";

    private static bool HasSourceNat(string script) =>
        script.Split('\n').Any(line => line.Split('#')[0].Split(s_wordEnds).Any(word => word is "masquerade" or "snat"));
}
