using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>The chains of a table, in the order of the text.</summary>
public sealed class ChainList : IReadOnlyList<Chain>
{
    private readonly List<Chain> _chains = [];
    private Dictionary<string, Chain>? _byName;

    internal ChainList()
    {
    }

    /// <summary>How many there are.</summary>
    public int Count => _chains.Count;

    /// <summary>One of them, from 0.</summary>
    public Chain this[int index] => _chains[index];

    /// <summary>The chain of this name; null when there is none.</summary>
    public Chain? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Dictionary<string, Chain>? byName = _byName;
        if (byName is null || byName.Count != _chains.Count)
            _byName = byName = _chains.ToDictionary(chain => chain.Name, StringComparer.Ordinal);
        return byName.GetValueOrDefault(name);
    }

    /// <inheritdoc/>
    public IEnumerator<Chain> GetEnumerator() => _chains.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _chains.GetEnumerator();

    internal void Add(Chain chain) => _chains.Add(chain);
}
