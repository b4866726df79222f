using NatDsa.Netfilter;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>What a host's rules say about its NAT.</summary>
/// <param name="Status">The verdict.</param>
/// <param name="Reason">Why, in words, in the user's language.</param>
/// <param name="SourceNatRules">The rules that do source NAT and that packets can reach, which the verdict rests on.</param>
public sealed record NatAssessment(NatStatus Status, string Reason, IReadOnlyList<Rule> SourceNatRules)
{
    /// <summary>Judges a host by its rulesets: those of one text, or of both back ends, both families and nft.</summary>
    /// <param name="rulesets">What was read. A host can hold rules in several places, and each tool shows only its own.</param>
    /// <param name="forwarding">Whether the kernel forwards packets (<c>ip_forward</c>); null when that is not known.</param>
    /// <remarks>
    /// <para>NAT is about IPv4 unless all that was given is IPv6. It is in place when a rule that does source NAT is
    /// reachable in a ruleset that was read whole; a ruleset that is partial (cut off, or with lines that could not be
    /// read) proves nothing, neither that it is nor that it is not.</para>
    /// <para>That a table is not in use follows from its absence only in a text that lists every table in use: iptables-save, the init
    /// script's status, nft. <c>iptables -L</c> and <c>-S</c> show one table each: <see cref="NatStatus.Erased"/> needs filter and nat
    /// both shown, and anything at all about NAT needs nat.</para>
    /// <para>The rules that the agent adds for its own ports (ACCEPT of TCP 4118, 4119, 4120, 4122) are not the operator's.</para>
    /// </remarks>
    public static NatAssessment Of(IReadOnlyList<Ruleset> rulesets, bool? forwarding)
    {
        ArgumentNullException.ThrowIfNull(rulesets);
        Ruleset[] judged = [.. rulesets.Where(IsAboutIPv4)];
        NetfilterFamily family = judged.Length > 0 ? NetfilterFamily.IPv4 : NetfilterFamily.IPv6;
        if (judged.Length == 0)
            judged = [.. rulesets];
        if (judged.Length == 0)
            return Unknown(Messages.NatUnknownNothingRead);

        Table[] tables =
            [.. judged.SelectMany(ruleset => ruleset.TableList).Where(table => Sees(table.Family, family))];
        Rule[] sourceNat =
        [
            .. SourceNat.ReachableRules(tables.Where(table => !table.Ruleset.IsPartial)).Where(rule => Sees(rule.Family, family)),
        ];
        if (sourceNat.Length > 0)
        {
            // One that is not only for an owner's own containers says more.
            Rule shown = sourceNat.Length == 1 ? sourceNat[0]
                : Array.Find(sourceNat, rule => !MissingNat.IsOfGuests(rule.Owner)) ?? sourceNat[0];
            if (forwarding == false)
                return new(NatStatus.ForwardingOff, Messages.NatForwardingOff.With(MissingNat.Place(shown)), sourceNat);
            string message = forwarding is null ? Messages.NatHealthyForwardingUnknown : Messages.NatHealthy;
            string served = MissingNat.Words(shown.SourceAddress, shown.OutInterface);
            string reason = message.With(served, MissingNat.Place(shown));
            return new(NatStatus.Healthy, reason, sourceNat);
        }

        if (judged.FirstOrDefault(ruleset => ruleset.IsPartial) is { } partial)
            return Unknown(Messages.NatUnknownPartial.With(partial.Errors.Count > 0 ? partial.Errors[0].Message : Messages.TextCutOff));
        if (UnreadableTable(judged) is { } unreadable)
            return Unknown(unreadable);

        bool listsAll = judged.Any(ruleset => ruleset.ListsEveryTable);
        bool natShown = listsAll || tables.Any(table => table is { Name: "nat", IsComplete: true });
        if (!natShown)
            return Unknown(Messages.NatUnknownTableNotShown);

        Chain? closed = tables.SelectMany(table => table.Chains)
            .FirstOrDefault(chain => chain.IsBuiltIn && chain.Policy is not (ChainPolicy.Accept or ChainPolicy.None));
        if (tables.SelectMany(table => table.Rules).Any(rule => !AgentPortRules.Contains(rule)))
            return new(NatStatus.NatMissing, Messages.NatMissingRules.With(tables.Sum(table => table.Chains.Sum(chain => chain.RuleCount))), []);
        if (closed is not null)
            return new(NatStatus.NatMissing, Messages.NatMissingPolicy.With(closed.Name, closed.PolicyText), []);

        bool filterShown = listsAll || tables.Any(table => table is { Name: "filter", IsComplete: true });
        if (!filterShown)
            return new(NatStatus.NatMissing, Messages.NatMissingOnlyNatShown, []);
        RulesetNotice notice = judged.Select(ruleset => ruleset.Notice).FirstOrDefault(notice => notice != RulesetNotice.None);
        bool noTable = tables.Length == 0;
        return new(
            NatStatus.Erased,
            notice switch
            {
                RulesetNotice.ModulesNotLoaded => Messages.NatErasedModulesNotLoaded,
                RulesetNotice.NotConfigured => Messages.NatErasedNotConfigured,
                RulesetNotice.NotRunning => Messages.NatErasedNotRunning,
                _ when noTable => Messages.NatErasedNoTable,
                _ => Messages.NatErased,
            },
            []);
    }

    /// <summary>
    /// Judges a host by one text, and reads no more of it than the verdict needs: for many hosts, or many times. The status and the rules are
    /// those that <see cref="Of"/> finds for the whole text; only lines that the verdict does not rest on may hold errors unseen.
    /// </summary>
    /// <param name="text">A ruleset, as <see cref="RulesetReader.Read(string, RulesetReadMode, NetfilterFamily)"/> takes it.</param>
    /// <param name="forwarding">Whether the kernel forwards packets; null when that is not known.</param>
    public static NatAssessment OfText(string text, bool? forwarding = null)
    {
        Ruleset ruleset = RulesetReader.ReadDeferred(text, NetfilterFamily.Unknown);
        NatAssessment assessment = Of([ruleset], forwarding);
        // Rules that were read on the way can have shown errors.
        return ruleset.IsPartial && assessment.Status != NatStatus.Unknown ? Of([ruleset], forwarding) : assessment;
    }

    /// <summary>Whether a ruleset can hold rules of IPv4.</summary>
    internal static bool IsAboutIPv4(Ruleset ruleset) =>
        ruleset.TableList.Count == 0
            ? ruleset.DeclaredFamily != NetfilterFamily.IPv6
            : ruleset.TableList.Any(table => Sees(table.Family, NetfilterFamily.IPv4));

    // ARP, bridged frames and a device's frames are no part of NAT.
    private static bool Sees(NetfilterFamily seen, NetfilterFamily family) =>
        seen == family || seen is NetfilterFamily.Inet or NetfilterFamily.Unknown;

    /// <summary>Why a table that is in use may hold the NAT unseen: the tool that was asked cannot show it.</summary>
    private static string? UnreadableTable(Ruleset[] rulesets)
    {
        bool nftWasAsked = rulesets.Any(ruleset => ruleset.Format == RulesetFormat.NftJson);
        foreach (Ruleset ruleset in rulesets)
        {
            foreach (string name in ruleset.UnreadableTables)
            {
                if (ruleset.Format == RulesetFormat.NftJson)
                    return Messages.NatUnknownXtables.With(name);
                if (!nftWasAsked)
                    return Messages.NatUnknownUnreadableTable.With(name);
            }
        }

        return null;
    }

    private static NatAssessment Unknown(string reason) => new(NatStatus.Unknown, reason, []);
}
