namespace NatDsa.Benchmarks;

/// <summary>What reading is measured against.</summary>
internal static class Baselines
{
    /// <summary>
    /// Finds every line and every word of iptables-save, and builds nothing. A word ends at a blank, but not at one inside double quotes: what
    /// finds other words than iptables-restore has not found them. A character at a time, which for words of this length is faster than a
    /// vectorised search for each word's end.
    /// </summary>
    public static long Scan(string text)
    {
        long found = 0;
        int word = -1;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is ' ' or '\n' or '\t' or '\r')
            {
                if (word >= 0)
                    found += word ^ (i - word);
                word = -1;
                if (c == '\n')
                    found++;
                continue;
            }

            if (word < 0)
                word = i;
            if (c == '"')
            {
                for (i++; i < text.Length && text[i] is not ('"' or '\n'); i++)
                {
                    if (text[i] == '\\')
                        i++;
                }
            }
        }

        return found;
    }

    /// <summary>The same, but every blank ends a word: comments come apart.</summary>
    public static long ScanBlanks(string text)
    {
        long found = 0;
        int word = -1;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is ' ' or '\n')
            {
                if (word >= 0)
                    found += word ^ (i - word);
                word = -1;
                if (c == '\n')
                    found++;
            }
            else if (word < 0)
            {
                word = i;
            }
        }

        return found;
    }

    /// <summary>The same, as C# is mostly written: each line and each word by a search for its end.</summary>
    public static long ScanByIndexOf(string text)
    {
        long found = 0;
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf('\n');
            ReadOnlySpan<char> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            found++;
            while (!line.IsEmpty)
            {
                int blank = line.IndexOf(' ');
                int length = blank < 0 ? line.Length : blank;
                if (length > 0)
                    found += length;
                line = blank < 0 ? default : line[(blank + 1)..];
            }
        }

        return found;
    }

    /// <summary>Lines and words as strings, and nothing made of them: how a script would begin.</summary>
    public static int Split(string text)
    {
        int words = 0;
        foreach (string line in text.Split('\n'))
            words += line.Split(' ').Length;
        return words;
    }
}
