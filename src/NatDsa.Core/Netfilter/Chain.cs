using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>A chain of a table: an ordered list of rules.</summary>
public sealed class Chain
{
    private readonly RuleStore _store;
    private readonly int _number;
    private string? _name;
    private NftFacts? _nft;
    private int _references = -1;

    internal Chain(RuleStore store, int number) => (_store, _number, Table) = (store, number, store.Tables[store.ChainRecords[number].Table]);

    /// <summary>The table that it is in.</summary>
    public Table Table { get; }

    /// <summary>The name.</summary>
    public string Name => _name ??= _store.Names[Record.Name];

    /// <summary>Whether packets come to it from the kernel, by a hook, and not only from other chains.</summary>
    public bool IsBuiltIn
    {
        get => (Record.Traits & ChainTraits.BuiltIn) != 0;
        internal set => Record.Traits = value ? Record.Traits | ChainTraits.BuiltIn : Record.Traits & ~ChainTraits.BuiltIn;
    }

    /// <summary>
    /// The hook that packets come from, in nft's word: <c>prerouting</c>, <c>input</c>, <c>forward</c>, <c>output</c>,
    /// <c>postrouting</c>, …; null for a user's chain.
    /// </summary>
    public string? Hook
    {
        get => _nft is null ? IsBuiltIn ? BuiltInChains.HookOf(Name) : null : _nft.Hook;
        internal set => (_nft ??= new NftFacts()).Hook = value;
    }

    /// <summary>The type of a native nft base chain, <c>nat</c>, <c>filter</c> or <c>route</c>; null elsewhere.</summary>
    public string? HookType
    {
        get => _nft?.HookType;
        internal set => (_nft ??= new NftFacts()).HookType = value;
    }

    /// <summary>Where an nft base chain stands among those of its hook, the lowest first; null elsewhere.</summary>
    public int? Priority
    {
        get => _nft?.Priority;
        internal set => (_nft ??= new NftFacts()).Priority = value;
    }

    /// <summary>What happens to packets at its end.</summary>
    public ChainPolicy Policy => PolicyText switch
    {
        null => ChainPolicy.None,
        "ACCEPT" => ChainPolicy.Accept,
        "DROP" => ChainPolicy.Drop,
        _ => ChainPolicy.Other,
    };

    /// <summary>The policy's own word; null when there is none.</summary>
    public string? PolicyText
    {
        get => Record.Policy == 0 ? null : _store.Names[Record.Policy - 1];
        internal set => Record.Policy = value is null ? 0 : _store.Names.NumberOf(value) + 1;
    }

    /// <summary>How many packets came to its end; null when the text does not tell.</summary>
    public ulong? Packets => Counters?.Packets;

    /// <summary>How many bytes they had; null when the text does not tell.</summary>
    public ulong? Bytes => Counters?.Bytes;

    /// <summary>How many rules lead here, as <c>-L</c> says of a user's chain; null when the text does not tell.</summary>
    public int? References
    {
        get => _references < 0 ? null : _references;
        internal set => _references = value ?? -1;
    }

    /// <summary>Who made it, as far as its name tells.</summary>
    public RuleOwner Owner => RuleOwners.Of(this);

    /// <summary>The rules, in order.</summary>
    public RuleList Rules
    {
        get
        {
            if (Record.WaitingCount > 0)
                _store.ReadWaiting(_number);
            return new(this);
        }
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Where it and its rules are kept.</summary>
    internal RuleStore Store => _store;

    /// <summary>Its number in the store.</summary>
    internal int Number => _number;

    /// <summary>How many rules there are, without reading those that were put off.</summary>
    internal int RuleCount => Record.RuleCount + Record.WaitingCount;

    /// <summary>Where the text declares it; a length of 0: nowhere.</summary>
    internal (int Start, int Length) Declaration
    {
        get => (Record.DeclarationStart, Record.DeclarationLength);
        set => (Record.DeclarationStart, Record.DeclarationLength) = value;
    }

    private ref ChainRecord Record => ref _store.ChainRecords[_number];

    private (ulong Packets, ulong Bytes)? Counters =>
        (Record.Traits & ChainTraits.Counted) == 0 ? null : _store.ChainCounters.GetValueOrDefault(_number);

    internal void SetCounters(ulong packets, ulong bytes) => _store.SetChainCounters(_number, packets, bytes);

    /// <summary>Puts the store's rule at the chain's end.</summary>
    internal void Append(int index) => _store.Append(_number, index);

    private Rule RuleAt(int place) => new(this, _store.RuleOf(_number, place));

    /// <summary>The rules of a chain, in order.</summary>
    public readonly struct RuleList : IReadOnlyList<Rule>, IEquatable<RuleList>
    {
        private readonly Chain _chain;

        internal RuleList(Chain chain) => _chain = chain;

        /// <summary>How many there are.</summary>
        public int Count => _chain.Record.RuleCount;

        /// <summary>One of them, from 0: the rule whose number is one more.</summary>
        public Rule this[int index]
        {
            get
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
                return _chain.RuleAt(index);
            }
        }

        /// <inheritdoc/>
        public IEnumerator<Rule> GetEnumerator()
        {
            for (int i = 0; i < Count; i++)
                yield return _chain.RuleAt(i);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <inheritdoc/>
        public bool Equals(RuleList other) => ReferenceEquals(_chain, other._chain);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is RuleList other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => _chain?.GetHashCode() ?? 0;

        /// <summary>Whether both are the rules of the same chain.</summary>
        public static bool operator ==(RuleList left, RuleList right) => left.Equals(right);

        /// <summary>Whether they are the rules of different chains.</summary>
        public static bool operator !=(RuleList left, RuleList right) => !left.Equals(right);
    }

    /// <summary>What only nft tells of a base chain.</summary>
    private sealed class NftFacts
    {
        public string? Hook;
        public string? HookType;
        public int? Priority;
    }
}
