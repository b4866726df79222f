using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>The chains of a table, in the order of the text.</summary>
public sealed class ChainList : IReadOnlyList<Chain>
{
    private readonly RuleStore _store;
    private readonly int _table;

    // The chains' numbers: one after the other from the first on, unless the text goes to and fro between tables.
    private int _first;
    private List<int>? _order;

    // By the numbers of their names; from 1.
    private int[] _byName = [];

    internal ChainList(RuleStore store, int table) => (_store, _table) = (store, table);

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>One of them, from 0.</summary>
    public Chain this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return _store.ChainOf(_order is null ? _first + index : _order[index]);
        }
    }

    /// <summary>The chain of this name; null when there is none.</summary>
    public Chain? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _store.Names.Find(name) is int number and >= 0 && NumberOf(number) is int chain and >= 0 ? _store.ChainOf(chain) : null;
    }

    /// <inheritdoc/>
    public IEnumerator<Chain> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The number of the chain whose name has this number; -1 when there is none.</summary>
    internal int NumberOf(int name) => (uint)name < (uint)_byName.Length ? _byName[name] - 1 : -1;

    /// <summary>Adds a chain of that name, which none has yet.</summary>
    internal Chain Add(string name) => _store.ChainOf(Add(_store.Names.NumberOf(name)));

    /// <summary>Adds a chain by the number of its name, which none has yet, and gives the chain's.</summary>
    internal int Add(int name)
    {
        int chain = _store.AddChain(_table, name);
        if (Count == 0)
            _first = chain;
        else if (_order is not null || chain != _first + Count)
            (_order ??= [.. Enumerable.Range(_first, Count)]).Add(chain);
        Count++;
        if (name >= _byName.Length)
            Array.Resize(ref _byName, Math.Max(name + 1, Math.Max(16, _byName.Length * 2)));
        _byName[name] = chain + 1;
        return chain;
    }
}
