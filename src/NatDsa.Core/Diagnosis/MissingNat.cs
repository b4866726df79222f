using NatDsa.Boot;
using NatDsa.Netfilter;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>
/// Source NAT that a host is known to need, by its persisted rules or by a backup that it keeps, and that does not run.
/// </summary>
internal static class MissingNat
{
    // What makes no difference to whom a rule serves: comments, and what is so for each packet that the nat table sees.
    private static readonly string[] s_noConditions = ["comment", "conntrack", "state", "policy"];

    /// <summary>Whose source NAT is for containers and virtual machines, and for nobody else.</summary>
    public static bool IsOfGuests(RuleOwner owner) =>
        owner is RuleOwner.Docker or RuleOwner.Podman or RuleOwner.Kubernetes or RuleOwner.Libvirt;

    /// <summary>
    /// Why a host on which source NAT runs has not all that it needs; null: nothing is known to be missing.
    /// </summary>
    /// <param name="host">What was read: the running rules, and <see cref="ProbeSections.Files"/>.</param>
    /// <param name="rulesets">The running rules, all of them.</param>
    /// <param name="sourceNat">Those that do source NAT; there are some.</param>
    public static string? Why(HostSnapshot host, IReadOnlyList<Ruleset> rulesets, IReadOnlyList<Rule> sourceNat)
    {
        // What is persisted beside a firewall was there before it.
        bool hasFirewall = rulesets.SelectMany(ruleset => ruleset.TableList).SelectMany(table => table.Chains)
            .Any(chain => chain.Owner is RuleOwner.Firewalld or RuleOwner.Ufw or RuleOwner.Shorewall);
        if (hasFirewall)
            return null;
        ReadableList<SourceNat> running = SourceNat.Of(sourceNat);
        if (PersistedNat.Of(host) is var (service, rules))
        {
            if (FirstNotIn(running, [rules]) is not { } missing)
                return null;
            SourceNat first = running[0];
            return Messages.NatIncomplete.With(service.RulesFile, Words(missing), Words(first), Place(first.NatRule));
        }

        // Where nothing is persisted, rules of nobody's were made by hand, and may be all that there should be.
        if (!sourceNat.All(rule => IsOfGuests(rule.Owner)))
            return null;
        RuleOwner guests = sourceNat[0].Owner;
        if (NftablesService.FileWithSourceNat(host) is { } native && !NftablesService.HasRulesOfOwners(host, native))
            return Messages.NatIncompleteNative.With(guests, native);
        if (KeptBackup.Read(host).Backup is not { IsGood: true } kept)
            return null;
        return FirstNotIn(running, kept.Rulesets) is { } lost
            ? Messages.NatIncompleteBackup.With(guests, kept.Id, kept.Time, Words(lost))
            : null;
    }

    /// <summary>
    /// The source NAT of other rules that does not run: the first; null: all of it does. What has an owner is the
    /// owner's to make.
    /// </summary>
    /// <param name="running">What runs.</param>
    /// <param name="wanted">The other rules, as they would run.</param>
    public static SourceNat? FirstNotIn(IReadOnlyList<SourceNat> running, IReadOnlyList<Ruleset> wanted)
    {
        // The widest first: it covers the most.
        SourceNat[] byWidth = [.. running.OrderBy(nat => nat.SourceAddress?.PrefixLength ?? 0)];
        HashSet<string> same = [.. running.Select(Sayings)];
        IReadOnlyList<Rule> all = NatAssessment.Of(wanted, forwarding: true).SourceNatRules;
        return SourceNat.Of(all.Where(rule => rule.Owner == RuleOwner.None))
            .FirstOrDefault(nat => !same.Contains(Sayings(nat)) && !Array.Exists(byWidth, one => Covers(one, nat)));
    }

    /// <summary>For whom, and by which way, in words: <c>10.0.1.0/24 out of eth0</c>.</summary>
    public static string Words(AddressPrefix? source, InterfacePattern? outInterface) => Messages.NatServes.With(
        source is null || source.IsAny ? Messages.AnyNetwork : source,
        outInterface is null || outInterface.IsAny ? Messages.AnyInterface : outInterface);

    /// <summary>Where a rule stands: <c>nat POSTROUTING 2 MASQUERADE</c>.</summary>
    public static string Place(Rule rule) => $"{rule.Table} {rule.Chain} {rule.Number} {rule.Target}";

    private static string Words(SourceNat nat) => Words(nat.SourceAddress, nat.OutPattern);

    private static string Sayings(SourceNat nat) =>
        $"{nat.Source}\n{nat.OutInterface}\n{RuleFields.Of(nat.NatRule).Key}";

    /// <summary>
    /// Whether all that one serves is served by the other too, as far as that can be told; where it cannot, it is.
    /// </summary>
    private static bool Covers(SourceNat wide, SourceNat narrow) =>
        // Which packets those of Kubernetes are for, a mark tells that another rule looks at.
        wide.NatRule.Owner != RuleOwner.Kubernetes
        && IsSameKind(wide.Kind, narrow.Kind)
        && Covers(wide.SourceAddress, narrow.SourceAddress)
        && Covers(wide.OutPattern, narrow.OutPattern)
        && !HasMoreConditions(wide.NatRule, narrow.NatRule);

    // To which of the host's addresses makes no difference to who has the internet.
    private static bool IsSameKind(SourceNatKind one, SourceNatKind other) =>
        one == other || IsToOwnAddress(one) && IsToOwnAddress(other);

    private static bool IsToOwnAddress(SourceNatKind kind) => kind is SourceNatKind.Masquerade or SourceNatKind.Snat;

    private static bool Covers(AddressPrefix? wide, AddressPrefix? narrow)
    {
        if (wide is null || wide.IsAny || wide.Equals(narrow))
            return true;
        if (narrow is null || narrow.IsAny)
            return false;
        // A name, or a mask with holes.
        if (wide is not { PrefixLength: int wideLength, Address: { } wideAddress }
            || narrow is not { PrefixLength: int narrowLength, Address: { } narrowAddress })
            return true;
        return (wide.IsNegated, narrow.IsNegated) switch
        {
            (false, false) => wideLength <= narrowLength && wide.Matches(narrowAddress) == true,
            (true, false) => wide.Matches(narrowAddress) == true && narrow.Matches(wideAddress) == false,
            _ => false,
        };
    }

    private static bool Covers(InterfacePattern? wide, InterfacePattern? narrow)
    {
        // All but one is everywhere but to that one's own network.
        if (wide is null || wide.IsAny || wide == narrow || wide.IsNegated && narrow is null)
            return true;
        if (narrow is null || narrow.IsNegated)
            return false;
        return wide.Matches(narrow.Name) && (wide.IsNegated || wide.IsPrefix || !narrow.IsPrefix);
    }

    private static bool HasMoreConditions(Rule wide, Rule narrow)
    {
        // What nft's rules ask for besides is in words.
        if (wide.Has(RuleTraits.IsNft))
            return false;
        if (wide.Protocol != "all" && wide.Protocol != narrow.Protocol)
            return true;
        if (wide.DestinationAddress is { IsNegated: false } destination
            && !Covers(destination, narrow.DestinationAddress))
        {
            return true;
        }

        string[] known = [.. narrow.Matches.Select(match => match.ToString())];
        return wide.Matches.Any(match => !s_noConditions.Contains(match.Name) && !known.Contains(match.ToString()));
    }
}
