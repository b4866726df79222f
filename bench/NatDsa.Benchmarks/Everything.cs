using NatDsa.Netfilter;

namespace NatDsa.Benchmarks;

/// <summary>Asks every rule for everything it has, so that nothing can have been left for later.</summary>
internal static class Everything
{
    /// <summary>Goes through all of a ruleset: tables, chains, counters; and of each rule every field, match, option and value.</summary>
    /// <returns>A sum over what was found, so that no part can be optimised away.</returns>
    public static long Touch(Ruleset ruleset)
    {
        long sum = 0;
        foreach (Table table in ruleset.TableList)
        {
            foreach (Chain chain in table.Chains)
            {
                sum += chain.Name.Length + (int)chain.Policy + (long)(chain.Packets ?? 0);
                Chain.RuleList rules = chain.Rules;
                for (int i = 0; i < rules.Count; i++)
                    sum += Touch(rules[i]);
            }
        }

        return sum;
    }

    private static long Touch(Rule rule)
    {
        long sum = rule.Table.Length + rule.Chain.Length + rule.Number + (rule.Target?.Length ?? 0) + rule.Protocol.Length;
        sum += (long)(rule.Packets ?? 0) + (long)(rule.Bytes ?? 0) + (int)rule.Fragment + (rule.IsGoto ? 1 : 0);
        sum += (rule.InInterface?.Name.Length ?? 0) + (rule.OutInterface?.Name.Length ?? 0);
        sum += (rule.SourceAddress?.IsNegated == true ? 1 : 0) + (rule.DestinationAddress?.IsNegated == true ? 1 : 0);
        foreach (RuleMatch match in rule.Matches)
            sum += match.Name.Length + Touch(match.Options);
        return sum + Touch(rule.TargetOptions);
    }

    private static long Touch(RuleOptionList options)
    {
        long sum = 0;
        foreach (RuleOption option in options)
        {
            sum += option.NameSpan.Length + (option.IsNegated ? 1 : 0);
            int values = option.ValueCount;
            for (int i = 0; i < values; i++)
                sum += option.ValueSpan(i).Length;
        }

        return sum;
    }
}
