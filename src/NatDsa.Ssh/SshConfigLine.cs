using System.Buffers;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>One line of ssh's configuration that says something.</summary>
/// <param name="File">Its file.</param>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Keyword">Its first word, in lower case.</param>
/// <param name="Rest">What follows, as it stands there.</param>
internal sealed record SshConfigLine(string File, int Number, string Keyword, string Rest)
{
    private static readonly char[] s_blanks = [' ', '\t', '\r', '\n'];
    private static readonly SearchValues<char> s_ends = SearchValues.Create([.. s_blanks, '"', '=']);

    /// <summary>The words that follow, without their quotes, up to a comment.</summary>
    /// <exception cref="SshConfigException">A quote has no end.</exception>
    public IReadOnlyList<string> Words()
    {
        var words = new List<string>();
        for (int i = 0; i < Rest.Length; i++)
        {
            if (Rest[i] is ' ' or '\t')
                continue;
            if (Rest[i] == '#')
                break;
            words.Add(Word(ref i));
        }

        return words;
    }

    /// <summary>The words of a <c>Match</c>, which end at an equals sign, too.</summary>
    /// <exception cref="SshConfigException">A quote has no end.</exception>
    public IReadOnlyList<string> MatchWords()
    {
        var words = new List<string>();
        string? rest = Rest;
        while (rest is not null && Delimited(ref rest) is { Length: > 0 } word && word[0] != '#')
            words.Add(word);
        return words;
    }

    /// <summary>Why this line cannot be followed.</summary>
    public SshConfigException Not(string why) => new(this, why);

    /// <summary>Reads a text, line by line.</summary>
    public static IReadOnlyList<SshConfigLine> ReadAll(string file, string text)
    {
        var lines = new List<SshConfigLine>();
        int number = 0;
        foreach (string raw in text.Split('\n'))
        {
            number++;
            string? rest = raw.TrimEnd(' ', '\t', '\r', '\f');
            var line = new SshConfigLine(file, number, "", "");
            string keyword = line.Delimited(ref rest);
            // White space in front of it.
            if (keyword.Length == 0 && rest is not null)
                keyword = line.Delimited(ref rest);
            if (keyword.Length > 0 && keyword[0] != '#')
                lines.Add(line with { Keyword = keyword.ToLowerInvariant(), Rest = (rest ?? "").TrimStart(' ', '\t') });
        }

        return lines;
    }

    /// <summary>
    /// A word with quotes of both kinds, and what a backslash protects: a quote, itself, and a blank.
    /// </summary>
    private string Word(ref int i)
    {
        var word = new StringBuilder();
        char quote = '\0';
        for (; i < Rest.Length; i++)
        {
            char c = Rest[i];
            char next = i + 1 < Rest.Length ? Rest[i + 1] : '\0';
            if (c == '\\' && (next is '\'' or '"' or '\\' || (quote == '\0' && next == ' ')))
                word.Append(Rest[++i]);
            else if (quote == '\0' && c is ' ' or '\t')
                return word.ToString();
            else if (quote == '\0' && c is '"' or '\'')
                quote = c;
            else if (quote != '\0' && c == quote)
                quote = '\0';
            else
                word.Append(c);
        }

        return quote == '\0' ? word.ToString() : throw Not("a quote has no end");
    }

    /// <summary>What stands in front of the next white space or equals sign, or within the next quotes.</summary>
    private string Delimited(ref string? rest)
    {
        string text = rest!;
        int end = text.AsSpan().IndexOfAny(s_ends);
        if (end < 0)
        {
            rest = null;
            return text;
        }

        if (text[end] == '"')
        {
            int close = text.IndexOf('"', end + 1);
            if (close < 0)
                throw Not("a quote has no end");
            rest = text[(close + 1)..].TrimStart(s_blanks);
            return text[..end] + text[(end + 1)..close];
        }

        rest = text[(end + 1)..].TrimStart(s_blanks);
        if (text[end] != '=' && rest.StartsWith('='))
            rest = rest[1..].TrimStart(s_blanks);
        return text[..end];
    }
}

/// <summary>A line of ssh's configuration that concerns a host and cannot be followed.</summary>
internal sealed class SshConfigException : Exception
{
    /// <summary>Says which line, and why.</summary>
    public SshConfigException(SshConfigLine line, string why)
        : base($"{line.File}:{line.Number}: {why}.")
    {
    }

    /// <summary>Says why a whole file is of no use.</summary>
    public SshConfigException(string file, string why, Exception? inner)
        : base($"{file}: {why}", inner)
    {
    }
}
