namespace NatDsa.Netfilter;

/// <summary>Which rules packets can come to from a hook, through jumps and gotos.</summary>
public static class Reachability
{
    // What ends a packet's way through a table. Any other target that is no chain lets it go on to the next rule.
    private static readonly HashSet<string> s_ends = new(StringComparer.Ordinal)
    {
        "ACCEPT", "DROP", "REJECT", "QUEUE", "NFQUEUE", "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP", "SAME", "TPROXY", "SYNPROXY", "MIRROR",
    };

    /// <summary>The rules that a packet can come to, in the order in which they are first come to.</summary>
    /// <param name="table">The table.</param>
    /// <param name="isStart">Which of its chains packets come to from the kernel.</param>
    /// <remarks>
    /// A rule after one that surely ends the packet's way (an unconditional verdict, RETURN or goto, or a jump into a chain that nothing comes back
    /// from) is not reachable; a rule with conditions may or may not match, so what follows it is. Each chain is walked once, whatever
    /// leads to it: loops, which the kernel refuses but a text can hold, come to an end, and depth costs no stack.
    /// </remarks>
    public static IReadOnlyList<Rule> RulesFrom(Table table, Func<Chain, bool> isStart)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(isStart);
        var reached = new List<Rule>();
        var comesBack = new Dictionary<Chain, bool>();
        foreach (Chain chain in table.Chains)
        {
            if (isStart(chain))
                Walk(chain, reached, comesBack);
        }

        return reached;
    }

    /// <summary>The table's user chains that no packet comes to.</summary>
    internal static IReadOnlyList<Chain> UnreachableChains(Table table)
    {
        var entered = new Dictionary<Chain, bool>();
        var reached = new List<Rule>();
        foreach (Chain chain in table.Chains)
        {
            if (chain.IsBuiltIn)
                Walk(chain, reached, entered);
        }

        return [.. table.Chains.Where(chain => !entered.ContainsKey(chain))];
    }

    private static void Walk(Chain start, List<Rule> reached, Dictionary<Chain, bool> comesBack)
    {
        var stack = new Stack<Step>();
        if (comesBack.TryAdd(start, true))
            stack.Push(new Step(start));
        while (stack.TryPop(out Step step))
        {
            bool goesOn = true;
            while (goesOn && step.Next < step.Chain.Rules.Count)
            {
                Rule rule = step.Chain.Rules[step.Next];
                Chain? target = rule.TargetChain;
                IReadOnlyList<Branch> branches = target is null ? rule.Branches : [];
                if (step.Ways == 0)
                    reached.Add(rule);
                while (step.Ways < (target is null ? branches.Count : 1))
                {
                    Chain way = target ?? branches[step.Ways].Chain;
                    step.Ways++;
                    // While a chain is being walked it counts as coming back, which only a loop can ask.
                    if (comesBack.TryAdd(way, true))
                    {
                        stack.Push(step);
                        stack.Push(new Step(way));
                        goto next;
                    }
                }

                foreach (Branch branch in branches)
                    step.ComesBack |= branch.IsGoto && comesBack[branch.Chain];
                goesOn = GoesOn(rule, target, comesBack, ref step);
                step.Ways = 0;
                step.Next++;
            }

            comesBack[step.Chain] = step.ComesBack || goesOn;
        next:;
        }
    }

    private static bool GoesOn(Rule rule, Chain? target, Dictionary<Chain, bool> comesBack, ref Step step)
    {
        bool always = rule.IsUnconditional;
        if (target is not null)
        {
            if (!rule.IsGoto)
                return !always || comesBack[target];
            step.ComesBack |= comesBack[target];
            return !always;
        }

        if (rule.Target == "RETURN")
        {
            step.ComesBack = true;
            return !always;
        }

        return !always || rule.Target is null || !s_ends.Contains(rule.Target);
    }

    /// <summary>How far the walk has come in a chain.</summary>
    private struct Step(Chain chain)
    {
        public readonly Chain Chain = chain;
        public int Next;

        // How many of the chains that the rule leads to have been walked.
        public int Ways;
        public bool ComesBack;
    }
}
