namespace NatDsa.Benchmarks;

/// <summary>What reading is measured against.</summary>
internal static class Baselines
{
    /// <summary>Finds every line and every word, and builds nothing: as fast as a text can be gone through word by word.</summary>
    public static long Scan(string text)
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

    /// <summary>The same, a character at a time.</summary>
    public static long ScanByCharacter(string text)
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

    /// <summary>Lines and words as strings, and nothing made of them: how a script would begin.</summary>
    public static int Split(string text)
    {
        int words = 0;
        foreach (string line in text.Split('\n'))
            words += line.Split(' ').Length;
        return words;
    }
}
