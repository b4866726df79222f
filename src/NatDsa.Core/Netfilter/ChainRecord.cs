namespace NatDsa.Netfilter;

/// <summary>Yes-or-no facts of a chain.</summary>
[Flags]
internal enum ChainTraits
{
    None = 0,
    BuiltIn = 1,

    /// <summary>The text tells its counters: those of <see cref="RuleStore.ChainCounters"/>, or else zero.</summary>
    Counted = 2,

    /// <summary>The rules do not lie side by side: <see cref="RuleStore.RuleOrders"/> has them.</summary>
    Scattered = 4,
}

/// <summary>
/// What reading found of a chain. As <see cref="RuleRecord"/> it holds no reference: kube-proxy makes a chain for every three rules.
/// </summary>
internal struct ChainRecord
{
    /// <summary>The table's number in <see cref="RuleStore.Tables"/>.</summary>
    public int Table;

    /// <summary>The name's number.</summary>
    public int Name;

    /// <summary>The number of the policy's word, from 1; 0: none.</summary>
    public int Policy;

    public ChainTraits Traits;

    /// <summary>Where the text declares it; a length of 0: nowhere.</summary>
    public int DeclarationStart;
    public int DeclarationLength;

    /// <summary>
    /// The first rule's number in the store, and how many there are, side by side; with <see cref="ChainTraits.Scattered"/> the number of
    /// their order in <see cref="RuleStore.RuleOrders"/>.
    /// </summary>
    public int FirstRule;
    public int RuleCount;

    /// <summary>
    /// Where the first line begins of rules whose reading was put off, and how many lines there are, each right behind the other unless
    /// <see cref="RuleStore.WaitingRuns"/> has more of them.
    /// </summary>
    public int FirstWaiting;
    public int WaitingCount;
}
