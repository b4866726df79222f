using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>
/// An option of a match or of a target, of a module that this library knows or of one that it does not:
/// <c>! --dport 80:90</c> has the name <c>--dport</c>, one value, and is negated.
/// </summary>
/// <remarks>It points into the text that was read; strings are made when they are asked for.</remarks>
public readonly struct RuleOption : IEquatable<RuleOption>
{
    private readonly Rule _rule;
    private readonly int _index;
    private readonly Word _word;

    internal RuleOption(Rule rule, int index) => (_rule, _index, _word) = (rule, index, rule.WordAt(index));

    /// <summary>The name, as written, dashes and all.</summary>
    public string Name => OptionNames.Intern(NameSpan);

    /// <summary>The name, without a copy.</summary>
    public ReadOnlySpan<char> NameSpan
    {
        get
        {
            ReadOnlySpan<char> name = _rule.Slice(_word);
            return _word.HasAttachedValue ? name[..name.IndexOf('=')] : name;
        }
    }

    /// <summary>Whether the rule says <c>!</c> of it.</summary>
    public bool IsNegated => _word.IsNegated;

    /// <summary>The values, with quotes and backslashes taken away. Empty for an option that is only a word.</summary>
    public IReadOnlyList<string> Values
    {
        get
        {
            int count = ValueCount;
            if (count == 0)
                return [];
            var values = new string[count];
            for (int i = 0; i < count; i++)
                values[i] = RuleText.Unquote(_word.HasAttachedValue ? ValueSpan(0) : _rule.Slice(_rule.WordAt(_index + 1 + i)));
            return values;
        }
    }

    /// <summary>How many values follow it.</summary>
    public int ValueCount => _word.HasAttachedValue ? 1 : FollowingValues(int.MaxValue);

    /// <summary>The values as one text, a blank between each two; null for an option without one.</summary>
    public string? Value => ValueCount switch
    {
        0 => null,
        1 => ValueOf(0),
        _ => string.Join(' ', Values),
    };

    /// <summary>A value as it stands in the text, quotes and all, without a copy.</summary>
    public ReadOnlySpan<char> ValueSpan(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _word.HasAttachedValue ? 1 : FollowingValues(index + 1));
        if (!_word.HasAttachedValue)
            return _rule.Slice(_rule.WordAt(_index + 1 + index));
        ReadOnlySpan<char> word = _rule.Slice(_word);
        return word[(word.IndexOf('=') + 1)..];
    }

    /// <summary>Reads the value as ports, or lists of them with commas, as <c>--dport</c> and <c>--dports</c> have them.</summary>
    /// <returns>Null when the value is no list of port numbers: a service's name, say.</returns>
    public IReadOnlyList<PortRange>? ToPorts()
    {
        if (ValueCount != 1)
            return null;
        var ports = new List<PortRange>();
        ReadOnlySpan<char> text = ValueSpan(0);
        while (true)
        {
            int comma = text.IndexOf(',');
            if (!PortRange.TryParse(comma < 0 ? text : text[..comma], out PortRange range))
                return null;
            ports.Add(range);
            if (comma < 0)
                break;
            text = text[(comma + 1)..];
        }

        return ports;
    }

    /// <summary>The option as iptables-save writes it.</summary>
    public override string ToString()
    {
        if (_rule is null)
            return "";
        string text = string.Concat(IsNegated ? "! " : "", NameSpan);
        for (int i = 0; i < ValueCount; i++)
            text = string.Concat(text, " ", ValueSpan(i));
        return text;
    }

    /// <summary>How many values follow it, as far as somebody asks.</summary>
    private int FollowingValues(int most)
    {
        int end = _index + 1;
        while (end < _rule.EndOfWords && _rule.WordAt(end).Role == WordRole.Value && end - _index <= most)
            end++;
        return end - _index - 1;
    }

    private string ValueOf(int index) => RuleText.Unquote(ValueSpan(index));

    /// <inheritdoc/>
    public bool Equals(RuleOption other) => ReferenceEquals(_rule, other._rule) && _index == other._index;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RuleOption other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_rule, _index);

    /// <summary>Whether both are the same option of the same rule.</summary>
    public static bool operator ==(RuleOption left, RuleOption right) => left.Equals(right);

    /// <summary>Whether they are not the same option of the same rule.</summary>
    public static bool operator !=(RuleOption left, RuleOption right) => !left.Equals(right);
}

/// <summary>Options in the order of the text.</summary>
public readonly struct RuleOptionList : IReadOnlyList<RuleOption>, IEquatable<RuleOptionList>
{
    private readonly Rule _rule;
    private readonly int _start;
    private readonly int _end;
    private readonly WordRole _role;

    internal RuleOptionList(Rule rule, int start, int end, WordRole role) => (_rule, _start, _end, _role) = (rule, start, end, role);

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            for (int i = _start; i < _end; i++)
            {
                if (_rule.WordAt(i).Role == _role)
                    count++;
            }

            return count;
        }
    }

    /// <summary>One of them, from 0.</summary>
    public RuleOption this[int index]
    {
        get
        {
            foreach (RuleOption option in this)
            {
                if (index-- == 0)
                    return option;
            }

            throw new ArgumentOutOfRangeException(nameof(index));
        }
    }

    /// <summary>The first option of this name (dashes and all); null when there is none.</summary>
    public RuleOption? Find(string name)
    {
        foreach (RuleOption option in this)
        {
            if (option.NameSpan.SequenceEqual(name))
                return option;
        }

        return null;
    }

    /// <summary>Goes through them without allocating.</summary>
    public Enumerator GetEnumerator() => new(_rule, _start, _end, _role);

    IEnumerator<RuleOption> IEnumerable<RuleOption>.GetEnumerator()
    {
        foreach (RuleOption option in this)
            yield return option;
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<RuleOption>)this).GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(RuleOptionList other) =>
        ReferenceEquals(_rule, other._rule) && _start == other._start && _end == other._end && _role == other._role;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RuleOptionList other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_rule, _start, _end, _role);

    /// <summary>Whether both are the same options of the same rule.</summary>
    public static bool operator ==(RuleOptionList left, RuleOptionList right) => left.Equals(right);

    /// <summary>Whether they are not the same options of the same rule.</summary>
    public static bool operator !=(RuleOptionList left, RuleOptionList right) => !left.Equals(right);

    /// <summary>Goes through options.</summary>
    public struct Enumerator
    {
        private readonly Rule _rule;
        private readonly int _end;
        private readonly WordRole _role;
        private int _index;

        internal Enumerator(Rule rule, int start, int end, WordRole role) => (_rule, _index, _end, _role) = (rule, start - 1, end, role);

        /// <summary>The option that was come to.</summary>
        public readonly RuleOption Current => new(_rule, _index);

        /// <summary>Goes to the next.</summary>
        public bool MoveNext()
        {
            while (++_index < _end)
            {
                if (_rule.WordAt(_index).Role == _role)
                    return true;
            }

            return false;
        }
    }
}
