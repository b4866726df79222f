using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>A chain of a table: an ordered list of rules.</summary>
public sealed class Chain
{
    private readonly RuleList _rules = new();
    private ulong _packets;
    private ulong _bytes;
    private bool _isCounted;
    private bool _isBuiltIn;
    private string? _hook;
    private CommandReader? _reader;
    private List<int>? _deferred;

    internal Chain(Table table, string name) => (Table, Name) = (table, name);

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

    /// <summary>What happens to packets at its end.</summary>
    public ChainPolicy Policy => PolicyText switch
    {
        null or "-" => ChainPolicy.None,
        "ACCEPT" => ChainPolicy.Accept,
        "DROP" => ChainPolicy.Drop,
        _ => ChainPolicy.Other,
    };

    /// <summary>The policy's own word; null when there is none.</summary>
    public string? PolicyText { get; internal set; }

    /// <summary>How many packets came to its end; null when the text does not tell.</summary>
    public ulong? Packets => _isCounted ? _packets : null;

    /// <summary>How many bytes they had; null when the text does not tell.</summary>
    public ulong? Bytes => _isCounted ? _bytes : null;

    /// <summary>How many rules lead here, as <c>-L</c> says of a user's chain; null when the text does not tell.</summary>
    public int? References { get; internal set; }

    /// <summary>The rules, in order.</summary>
    public IReadOnlyList<Rule> Rules
    {
        get
        {
            if (_deferred is not null)
                ReadDeferred();
            return _rules;
        }
    }

    /// <summary>How many rules there are.</summary>
    internal int RuleCount => _deferred?.Count ?? _rules.Count;

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Where the text declares it; a length of 0: nowhere.</summary>
    internal (int Start, int Length) Declaration { get; set; }

    internal void SetCounters(ulong packets, ulong bytes) => (_packets, _bytes, _isCounted) = (packets, bytes, true);

    /// <summary>Puts off reading a rule until somebody asks for the chain's rules.</summary>
    /// <param name="reader">Who reads it then.</param>
    /// <param name="start">Where its line begins.</param>
    internal void Defer(CommandReader reader, int start)
    {
        _reader = reader;
        (_deferred ??= []).Add(start);
    }

    private void ReadDeferred()
    {
        (List<int> starts, _deferred) = (_deferred!, null);
        foreach (int start in starts)
            _reader!.ReadDeferred(this, start);
    }

    internal void Insert(int index, Rule rule)
    {
        _rules.Insert(index, rule);
        for (int i = index; i < _rules.Count; i++)
            _rules[i].Number = i + 1;
    }

    private sealed class RuleList : IReadOnlyList<Rule>
    {
        private Rule[] _rules = [];

        public int Count { get; private set; }

        public Rule this[int index]
        {
            get
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
                return _rules[index];
            }
        }

        public void Insert(int index, Rule rule)
        {
            if (Count == _rules.Length)
                Array.Resize(ref _rules, Count == 0 ? 2 : Count * 2);
            Array.Copy(_rules, index, _rules, index + 1, Count - index);
            _rules[index] = rule;
            Count++;
        }

        public IEnumerator<Rule> GetEnumerator()
        {
            for (int i = 0; i < Count; i++)
                yield return _rules[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
