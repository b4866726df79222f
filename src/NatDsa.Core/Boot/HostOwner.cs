using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Boot;

/// <summary>A program that makes rules of its own on a host, and how it makes them again when they are gone.</summary>
/// <remarks>
/// Sources: firewall-cmd(1) for --reload; ufw(8) and ufw-framework(8); shorewall(8), whose reload was called restart before version 5; libvirt's
/// "Firewall and network filtering", libvirtd(8): guests go on while it is restarted; Docker's "Live restore", and moby's pull request 9397
/// and docker/for-linux 361: only a start, or firewalld's reload, makes the rules again; Kubernetes' "Virtual IPs and Service Proxies";
/// fail2ban-client(1).
/// </remarks>
/// <param name="Owner">Whose chains they are.</param>
/// <param name="ScriptName">Its name in steps.sh.</param>
/// <param name="Evidence">What shows that the host has it, in words.</param>
internal sealed record HostOwner(RuleOwner Owner, string ScriptName, string Evidence)
{
    /// <summary>What the steps of owners begin with in steps.sh.</summary>
    public const string StepPrefix = "owner-";

    /// <summary>What has it make its rules again; empty: it does so by itself.</summary>
    public required string Command { get; init; }

    /// <summary>The name of the step that does so.</summary>
    public required string StepName { get; init; }

    /// <summary>Why the step is needed and what it does.</summary>
    public required string Reason { get; init; }

    /// <summary>Whether the filter as a whole is its own: no persisted rules are loaded beside it.</summary>
    public bool IsFirewall => Owner is RuleOwner.Firewalld or RuleOwner.Ufw or RuleOwner.Shorewall;

    /// <summary>Whether source NAT can be among its rules.</summary>
    public bool CanNat => Owner != RuleOwner.Fail2ban;

    /// <summary>The service that makes its rules at boot.</summary>
    public required string Service { get; init; }

    /// <summary>Whether that starts at boot.</summary>
    public bool StartsAtBoot { get; private init; }

    /// <summary>What puts it into the boot sequence.</summary>
    public required string EnableCommand { get; init; }

    /// <summary>What the step runs, as an administrator would type it.</summary>
    public string Typed => Command.Length > 0 ? Command : "until iptables-save | grep KUBE-SERVICES; do sleep 1; done";

    /// <summary>The owners that a host has, in the order in which they are to make their rules again.</summary>
    /// <remarks>
    /// A whole firewall may flush what others have made, so it comes first; Docker and libvirt put theirs beside what is there; fail2ban puts its own
    /// in front of all others, so it comes last.
    /// </remarks>
    public static IReadOnlyList<HostOwner> Read(HostSnapshot host)
    {
        if (!host.Answer.TryGet("service", out Section? section))
            return [];
        var facts = section.Facts().ToLookup(f => f.Key, f => f.Value);
        string[] owners = [.. facts["owner"].Distinct()];
        bool systemd = facts["systemd"].Contains("yes");
        return [.. Read()];

        IEnumerable<HostOwner> Read()
        {
            if (owners.Contains("firewalld"))
                yield return Of(RuleOwner.Firewalld, "firewalld", "firewalld", Runs("firewalld"), "ReloadFirewalld", "firewall-cmd --reload", Messages.StepFirewalld);
            if (owners.Contains("ufw"))
                yield return Of(RuleOwner.Ufw, "ufw", "ufw", Messages.OwnerUfw, "ReloadUfw", "ufw reload", Messages.StepUfw);
            if (owners.Contains("shorewall"))
            {
                string verb = facts["version.shorewall"].Any(v => v.Split('.')[0] is "3" or "4") ? "restart" : "reload";
                yield return Of(RuleOwner.Shorewall, "shorewall", "shorewall", Messages.OwnerShorewall, "ReloadShorewall", "shorewall " + verb, Messages.StepShorewall);
            }

            // Without a network there are no rules. A daemon makes the networks' chains once in its life; it may have ended, for nobody used it.
            if (facts["network"].FirstOrDefault() is "virtnetworkd" or "libvirtd")
            {
                string daemon = Unit(owners.FirstOrDefault(o => o is "virtnetworkd") ?? owners.FirstOrDefault(o => o is "libvirtd") ?? facts["network"].First());
                yield return Of(RuleOwner.Libvirt, "libvirt", daemon, Messages.OwnerLibvirt, "RestartLibvirt", Control("restart", daemon), Messages.StepLibvirt);
            }

            if (owners.Contains("dockerd"))
            {
                string reason = facts["live-restore"].Contains("yes") ? Messages.StepDocker : Messages.StepDockerAndContainers;
                yield return Of(RuleOwner.Docker, "docker", Unit("dockerd", "docker"), Runs("dockerd"), "RestartDocker", Control("restart", Unit("dockerd", "docker")), reason);
            }

            if (owners.Contains("kube-proxy"))
            {
                // In a pod it is no service of the host's.
                bool service = facts["unit.kube-proxy"].Any();
                yield return service
                    ? Of(RuleOwner.Kubernetes, "kube", Unit("kube-proxy"), Runs("kube-proxy"), "RestartKubeProxy", Control("restart", Unit("kube-proxy")), Messages.StepKubeProxy)
                    : Of(RuleOwner.Kubernetes, "kube", "kubelet", Runs("kube-proxy"), "AwaitKubeProxy", "", Messages.StepAwaitKubeProxy);
            }

            if (owners.Contains("fail2ban-server"))
                yield return Of(RuleOwner.Fail2ban, "fail2ban", "fail2ban", Runs("fail2ban-server"), "ReloadFail2ban", "fail2ban-client reload --restart", Messages.StepFail2ban);
        }

        HostOwner Of(RuleOwner owner, string scriptName, string service, string evidence, string step, string command, string reason) => new(owner, scriptName, evidence)
        {
            StepName = step,
            Command = command,
            Reason = reason.With(evidence),
            Service = service,
            StartsAtBoot = facts["boot." + scriptName].Concat(facts["boot." + service]).Contains("yes"),
            EnableCommand = systemd ? $"systemctl enable {service}" : $"chkconfig {service} on",
        };

        string Runs(string process) =>
            facts["unit." + process].FirstOrDefault(IsUnitName) is { } unit ? Messages.OwnerRunsAs.With(process, unit) : Messages.OwnerRuns.With(process);

        string Unit(string process, string? otherwise = null) => facts["unit." + process].FirstOrDefault(IsUnitName) ?? otherwise ?? process;

        string Control(string action, string service) => systemd ? $"systemctl {action} {service}" : $"service {service} {action}";
    }

    /// <summary>Whether any of its chains is there.</summary>
    public bool HasChains(IEnumerable<Ruleset> rulesets) =>
        rulesets.SelectMany(ruleset => ruleset.TableList)
            .SelectMany(table => table.Chains)
            .Any(chain => chain.Owner == Owner);

    // It becomes a word of a command.
    private static bool IsUnitName(string name) => name.Length > 0 && name[0] != '-' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');
}
