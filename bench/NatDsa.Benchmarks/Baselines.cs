namespace NatDsa.Benchmarks;

/// <summary>What reading is measured against.</summary>
internal static class Baselines
{
    /// <summary>Finds every line and every word, and builds nothing: as fast as a text can be gone through word by word.</summary>
    public static int Scan(string text)
    {
        int words = 0;
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf('\n');
            ReadOnlySpan<char> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            while (!line.IsEmpty)
            {
                int blank = line.IndexOf(' ');
                if (blank != 0)
                    words++;
                line = blank < 0 ? default : line[(blank + 1)..];
            }
        }

        return words;
    }

    /// <summary>The same, a character at a time.</summary>
    public static int ScanByCharacter(string text)
    {
        int words = 0;
        bool inWord = false;
        foreach (char c in text)
        {
            if (c is ' ' or '\n')
            {
                inWord = false;
            }
            else if (!inWord)
            {
                inWord = true;
                words++;
            }
        }

        return words;
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
