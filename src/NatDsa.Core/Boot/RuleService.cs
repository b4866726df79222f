using NatDsa.Probe;

namespace NatDsa.Boot;

/// <summary>The service that loads the persisted rules at boot, and where it has them.</summary>
/// <param name="Services">The services to restart, the IPv4 one first.</param>
/// <param name="RulesFile">The persisted IPv4 rules.</param>
/// <param name="Systemd">Whether systemd runs them; else their init scripts.</param>
/// <param name="StartsAtBoot">Whether every one of them starts at boot.</param>
internal sealed record RuleService(IReadOnlyList<string> Services, string RulesFile, bool Systemd, bool StartsAtBoot)
{
    private const string RedHatRules = "/etc/sysconfig/iptables";
    private const string RedHatRules6 = "/etc/sysconfig/ip6tables";
    private const string DebianRules = "/etc/iptables/rules.v4";
    private const string DebianRules6 = "/etc/iptables/rules.v6";

    /// <summary>The persisted IPv6 rules.</summary>
    public string RulesFile6 => IsDebian ? DebianRules6 : RedHatRules6;

    /// <summary>Those of the services that the init system does not count as started; where it keeps no account of that, none.</summary>
    public IReadOnlyList<string> NotStarted { get; private init; } = [];

    /// <summary>The services that the host has, the likeliest first.</summary>
    public static IEnumerable<RuleService> Read(HostSnapshot host)
    {
        if (!host.Answer.TryGet("service", out Section? section))
            yield break;
        var facts = section.Facts().Where(f => f.Key != "owner").ToLookup(f => f.Key, f => f.Value);
        bool systemd = facts["systemd"].Contains("yes");

        // Where the kernel has no IPv6, the service for it cannot start, and has nothing to load.
        bool ipv6 = host.Answer["host"]?.Fact("forwarding.ipv6") is not null;
        if (Has("iptables"))
        {
            yield return For(
                ipv6 && Has("ip6tables") && host.Answer["file." + RedHatRules6] is not null ? ["iptables", "ip6tables"] : ["iptables"],
                RedHatRules);
        }

        if (Has("netfilter-persistent"))
            yield return For(["netfilter-persistent"], DebianRules);

        bool Has(string service) => (systemd && facts["unit." + service].Any()) || facts["script." + service].Any();

        RuleService For(string[] services, string file) => new(
            services,
            file,
            systemd && facts["unit." + services[0]].Any(),
            services.All(s => facts["boot." + s].Contains("yes")))
        {
            NotStarted = [.. services.Where(s => (systemd || file == RedHatRules) && facts["started." + s].Contains("no"))],
        };
    }

    /// <summary>The service whose persisted rules are those of the host: one whose file is there; else the likeliest; null when there is none.</summary>
    public static RuleService? Of(HostSnapshot host)
    {
        RuleService[] services = [.. Read(host)];
        return Array.Find(services, service => host.Answer["file." + service.RulesFile] is not null) ?? services.FirstOrDefault();
    }

    /// <summary>What starts or stops services, as an administrator would type it.</summary>
    public string Command(string action, IEnumerable<string> services) =>
        string.Join("; ", services.Select(s => Systemd ? $"systemctl {action} {s}" : $"service {s} {action}"));

    /// <summary>What puts it into the boot sequence.</summary>
    public string EnableCommand => string.Join("; ", Services.Select(s => Systemd ? $"systemctl enable {s}" : IsDebian ? $"update-rc.d {s} enable" : $"chkconfig {s} on"));

    /// <summary>What takes it out again.</summary>
    public string DisableCommand => string.Join("; ", Services.Select(s => Systemd ? $"systemctl disable {s}" : IsDebian ? $"update-rc.d {s} disable" : $"chkconfig {s} off"));

    private bool IsDebian => RulesFile == DebianRules;
}
