using System.Collections;

namespace NatDsa.Netfilter;

/// <summary>
/// A match of a rule: <c>-m conntrack --ctstate NEW</c> has the name <c>conntrack</c> and one option. Options that a
/// protocol brings along without <c>-m</c> (<c>-p tcp --dport 80</c>) are a match of the protocol's name.
/// </summary>
/// <remarks>It points into the text that was read; strings are made when they are asked for.</remarks>
public readonly struct RuleMatch : IEquatable<RuleMatch>
{
    private readonly Rule _rule;
    private readonly int _start;
    private readonly int _end;

    internal RuleMatch(Rule rule, int start, int end) => (_rule, _start, _end) = (rule, start, end);

    /// <summary>The extension's name.</summary>
    public string Name => IsImplicit ? _rule.ProtocolName : _rule.NameOf(_rule.WordAt(_start));

    /// <summary>Whether the match comes with the protocol, without <c>-m</c>.</summary>
    public bool IsImplicit => _rule.WordAt(_start).Role != WordRole.Match;

    /// <summary>Its options, in the order of the text.</summary>
    public RuleOptionList Options => new(_rule, IsImplicit ? _start : _start + 1, _end, WordRole.MatchOption);

    /// <summary>The match as iptables-save writes it.</summary>
    public override string ToString()
    {
        if (_rule is null)
            return "";
        string text = IsImplicit ? "" : "-m " + Name;
        foreach (RuleOption option in Options)
            text = text.Length == 0 ? option.ToString() : $"{text} {option}";
        return text;
    }

    /// <inheritdoc/>
    public bool Equals(RuleMatch other) => ReferenceEquals(_rule, other._rule) && _start == other._start;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RuleMatch other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_rule, _start);

    /// <summary>Whether both are the same match of the same rule.</summary>
    public static bool operator ==(RuleMatch left, RuleMatch right) => left.Equals(right);

    /// <summary>Whether they are not the same match of the same rule.</summary>
    public static bool operator !=(RuleMatch left, RuleMatch right) => !left.Equals(right);
}

/// <summary>The matches of a rule, in the order of the text.</summary>
public readonly struct RuleMatchList : IReadOnlyList<RuleMatch>, IEquatable<RuleMatchList>
{
    private readonly Rule _rule;

    internal RuleMatchList(Rule rule) => _rule = rule;

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (RuleMatch _ in this)
                count++;
            return count;
        }
    }

    /// <summary>One of them, from 0.</summary>
    public RuleMatch this[int index]
    {
        get
        {
            foreach (RuleMatch match in this)
            {
                if (index-- == 0)
                    return match;
            }

            throw new ArgumentOutOfRangeException(nameof(index));
        }
    }

    /// <summary>The first match of this name; null when there is none.</summary>
    public RuleMatch? Find(string name)
    {
        foreach (RuleMatch match in this)
        {
            if (match.Name == name)
                return match;
        }

        return null;
    }

    /// <summary>Goes through them without allocating.</summary>
    public Enumerator GetEnumerator() => new(_rule);

    IEnumerator<RuleMatch> IEnumerable<RuleMatch>.GetEnumerator()
    {
        foreach (RuleMatch match in this)
            yield return match;
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<RuleMatch>)this).GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(RuleMatchList other) => ReferenceEquals(_rule, other._rule);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RuleMatchList other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _rule?.GetHashCode() ?? 0;

    /// <summary>Whether both are the matches of the same rule.</summary>
    public static bool operator ==(RuleMatchList left, RuleMatchList right) => left.Equals(right);

    /// <summary>Whether they are not the matches of the same rule.</summary>
    public static bool operator !=(RuleMatchList left, RuleMatchList right) => !left.Equals(right);

    /// <summary>Goes through matches.</summary>
    public struct Enumerator
    {
        private readonly Rule? _rule;
        private int _start;
        private int _end;

        internal Enumerator(Rule? rule) => (_rule, _end) = (rule, rule?.FirstWord ?? 0);

        /// <summary>The match that was come to.</summary>
        public readonly RuleMatch Current => new(_rule!, _start, _end);

        /// <summary>Goes to the next.</summary>
        public bool MoveNext()
        {
            if (_rule is not { EndOfWords: var end } rule)
                return false;
            _start = _end;
            while (_start < end && rule.WordAt(_start).Role is not (WordRole.Match or WordRole.MatchOption))
                _start++;
            if (_start >= end)
                return false;
            _end = _start + 1;
            // A target's options can stand between a match and its options; a new match ends the one before.
            while (_end < end && rule.WordAt(_end).Role != WordRole.Match)
                _end++;
            return true;
        }
    }
}
