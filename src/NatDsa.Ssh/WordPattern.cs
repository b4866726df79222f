namespace NatDsa.Ssh;

/// <summary>Patterns of ssh's files: <c>*</c> and <c>?</c>, and lists of them in which <c>!</c> excludes.</summary>
internal static class WordPattern
{
    /// <summary>Whether a pattern is a word: it matches itself alone.</summary>
    public static bool IsPlain(string pattern) => pattern.Length > 0 && !pattern.AsSpan().ContainsAny('*', '?', '!');

    /// <summary>Matches one pattern, in time that a hostile one cannot make more than quadratic.</summary>
    public static bool Matches(string text, ReadOnlySpan<char> pattern)
    {
        int n = 0, p = 0, star = -1, resume = 0;
        while (n < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
                (star, resume) = (p++, n);
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[n]))
                (n, p) = (n + 1, p + 1);
            else if (star >= 0)
                (p, n) = (star + 1, ++resume);
            else
                return false;
        }

        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }

    /// <summary>Matches a list: one has to match, and none that excludes.</summary>
    public static bool MatchesOneOf(string text, IEnumerable<string> patterns)
    {
        bool matches = false;
        foreach (string pattern in patterns)
        {
            bool negated = pattern.StartsWith('!');
            if (!Matches(text, pattern.AsSpan(negated ? 1 : 0)))
                continue;
            if (negated)
                return false;
            matches = true;
        }

        return matches;
    }
}
