using NatDsa.Boot;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>Whether a host would have its NAT after a reboot: rules in a file, a service that loads them, and an agent that leaves them alone.</summary>
public sealed class BootReadiness
{
    private BootReadiness(bool ready, string reason) => (Ready, Reason) = (ready, reason);

    /// <summary>Whether it would.</summary>
    public bool Ready { get; }

    /// <summary>Why, or what is missing.</summary>
    public string Reason { get; }

    /// <summary>Judges a host by what was read of it.</summary>
    internal static BootReadiness Of(HostSnapshot host, NatIptablesState rules, DsaAgentState agent)
    {
        if (agent.Risk is DsaRisk.ErasesOnNextStart or DsaRisk.Unknown)
            return new BootReadiness(false, agent.RiskReason);
        if (rules.Forwarding == false)
            return new BootReadiness(false, rules.Reason);

        IReadOnlyList<HostOwner> owners = HostOwner.Read(host);
        if (owners.FirstOrDefault(owner => owner.IsFirewall) is { } firewall)
            return Of(firewall);
        string? missing = null;
        foreach (RuleService service in RuleService.Read(host))
        {
            string? why = PersistedNat.WhyNot(host, service.RulesFile)
                ?? (service.StartsAtBoot ? null : Messages.BootServiceDisabled.With(service.Services[0], service.EnableCommand));
            if (why is null)
                return new BootReadiness(true, Messages.BootReady.With(service.Services[0], service.RulesFile));
            missing ??= why;
        }

        if (NftablesService.FileWithSourceNat(host) is { } native && NftablesService.StartsAtBoot(host))
            return new BootReadiness(true, Messages.BootReady.With("nftables", native));
        // The NAT that works now is an owner's, and no other is known of.
        if (rules.Status == NatStatus.Healthy && owners.LastOrDefault(owner => owner.CanNat && rules.SourceNatRules.Any(rule => rule.Owner == owner.Owner)) is { } nat)
            return Of(nat);
        return new BootReadiness(false, missing ?? Messages.NoRuleService);

        static BootReadiness Of(HostOwner owner) => owner.StartsAtBoot
            ? new BootReadiness(true, Messages.BootOwner.With(owner.Service))
            : new BootReadiness(false, Messages.BootServiceDisabled.With(owner.Service, owner.EnableCommand));
    }

    /// <inheritdoc/>
    public override string ToString() => Ready ? nameof(Ready) : Reason;
}
