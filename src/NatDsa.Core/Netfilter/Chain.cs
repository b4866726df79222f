using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>A chain of a table: an ordered list of rules.</summary>
public sealed class Chain
{
    private readonly RuleStore _store;
    private readonly int _number;
    private string? _policy;
    private string? _hook;
    private ulong _packets;
    private ulong _bytes;
    private bool _isCounted;
    private bool _isBuiltIn;
    private int _references = -1;

    // The rules lie side by side in the store, from the first on, unless the text goes to and fro between chains.
    private int _first;
    private int _count;
    private List<int>? _order;
    private DeferredRules? _deferred;

    internal Chain(Table table, RuleStore store, string name)
    {
        (Table, _store, Name) = (table, store, name);
        _number = store.Chains.Count;
        store.Chains.Add(this);
    }

    /// <summary>The table that it is in.</summary>
    public Table Table { get; }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>Whether packets come to it from the kernel, by a hook, and not only from other chains.</summary>
    public bool IsBuiltIn
    {
        get => _isBuiltIn;
        internal set => (_isBuiltIn, _hook) = (value, value ? BuiltInChains.HookOf(Name) : null);
    }

    /// <summary>
    /// The hook that packets come from, in nft's word: <c>prerouting</c>, <c>input</c>, <c>forward</c>, <c>output</c>,
    /// <c>postrouting</c>, …; null for a user's chain.
    /// </summary>
    public string? Hook
    {
        get => _hook;
        internal set => _hook = value;
    }

    /// <summary>The type of a native nft base chain, <c>nat</c>, <c>filter</c> or <c>route</c>; null elsewhere.</summary>
    public string? HookType { get; internal set; }

    /// <summary>Where an nft base chain stands among those of its hook, the lowest first; null elsewhere.</summary>
    public int? Priority { get; internal set; }

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
        get => _policy;
        internal set => _policy = value;
    }

    /// <summary>How many packets came to its end; null when the text does not tell.</summary>
    public ulong? Packets => _isCounted ? _packets : null;

    /// <summary>How many bytes they had; null when the text does not tell.</summary>
    public ulong? Bytes => _isCounted ? _bytes : null;

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
            if (_deferred is { } deferred)
            {
                _deferred = null;
                deferred.Read(this);
            }

            return new(this);
        }
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>How many rules there are, without reading those that were put off.</summary>
    internal int RuleCount => _count + (_deferred?.Count ?? 0);

    /// <summary>Where the text declares it; a length of 0: nowhere.</summary>
    internal (int Start, int Length) Declaration { get; set; }

    internal void SetCounters(ulong packets, ulong bytes) => (_packets, _bytes, _isCounted) = (packets, bytes, true);

    /// <summary>Puts off reading a rule until somebody asks for the chain's rules.</summary>
    /// <param name="reader">Who reads it then.</param>
    /// <param name="start">Where its line begins.</param>
    internal void Defer(CommandReader reader, int start) => (_deferred ??= new DeferredRules(reader)).Add(start);

    /// <summary>Puts the store's rule at the chain's end.</summary>
    internal void Append(int index)
    {
        if (_count == 0)
            _first = index;
        else if (_order is not null || index != _first + _count)
            (_order ??= Order()).Add(index);
        _count++;
        ref RuleRecord record = ref _store[index];
        record.Chain = _number;
        record.Number = _count;
    }

    /// <summary>Puts the store's rule before the one at that place, from 0.</summary>
    internal void Insert(int place, int index)
    {
        if (place == _count)
        {
            Append(index);
            return;
        }

        (_order ??= Order()).Insert(place, index);
        _count++;
        _store[index].Chain = _number;
        for (int i = place; i < _count; i++)
            _store[_order[i]].Number = i + 1;
    }

    private List<int> Order() => [.. Enumerable.Range(_first, _count)];

    private Rule RuleAt(int place) => new(_store, _order is null ? _first + place : _order[place]);

    /// <summary>The rules of a chain, in order.</summary>
    public readonly struct RuleList : IReadOnlyList<Rule>, IEquatable<RuleList>
    {
        private readonly Chain _chain;

        internal RuleList(Chain chain) => _chain = chain;

        /// <summary>How many there are.</summary>
        public int Count => _chain._count;

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

    /// <summary>Lines of rules that nobody has asked for yet.</summary>
    private sealed class DeferredRules(CommandReader reader)
    {
        private readonly List<int> _starts = [];

        public int Count => _starts.Count;

        public void Add(int start) => _starts.Add(start);

        public void Read(Chain chain)
        {
            foreach (int start in _starts)
                reader.ReadDeferred(chain, start);
        }
    }
}
