using System.Globalization;
using System.Text;

namespace NatDsa;

/// <summary>Text from a host, made fit to be shown: a host must not be able to drive the administrator's terminal.</summary>
internal static class Untrusted
{
    /// <summary>One line without control characters, and without those that turn the direction of text, trimmed.</summary>
    public static string OneLine(string text) => Clean(text, keepLines: false);

    /// <summary>The lines as they are, without any other control character, trimmed.</summary>
    public static string Lines(string text) => Clean(text, keepLines: true);

    private static string Clean(string text, bool keepLines)
    {
        var clean = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c == '\n' && keepLines)
                clean.Append(c);
            else if (c is '\t' or '\n')
                clean.Append(' ');
            else if (!char.IsControl(c) && char.GetUnicodeCategory(c) != UnicodeCategory.Format)
                clean.Append(c);
        }

        return clean.ToString().Trim();
    }
}
