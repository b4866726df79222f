using System.Buffers;
using System.Text;

namespace NatDsa.Netfilter;

/// <summary>Quoting and escaping, as iptables-save writes and iptables-restore reads them.</summary>
internal static class RuleText
{
    // xtables_save_string of iptables 1.8: what is all of these is written bare.
    private static readonly SearchValues<char> s_bare =
        SearchValues.Create("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Takes a word's double quotes away, and inside them the backslash of each escape.</summary>
    public static string Unquote(ReadOnlySpan<char> word)
    {
        if (!word.Contains('"'))
            return word.ToString();
        var text = new StringBuilder(word.Length);
        bool open = false;
        for (int i = 0; i < word.Length; i++)
        {
            char c = word[i];
            if (c == '"')
                open = !open;
            else if (open && c == '\\' && i + 1 < word.Length)
                text.Append(word[++i]);
            else
                text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>Writes a value as one word: bare where it can be, else in double quotes.</summary>
    public static string Quote(string value)
    {
        if (value.Length > 0 && !value.AsSpan().ContainsAnyExcept(s_bare))
            return value;
        var text = new StringBuilder(value.Length + 2).Append('"');
        foreach (char c in value)
        {
            if (c is '"' or '\\' or '\'')
                text.Append('\\');
            text.Append(c);
        }

        return text.Append('"').ToString();
    }
}
