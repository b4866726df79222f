using System.Management.Automation;

namespace NatDsa.Cmdlets;

/// <summary>A word that is being completed: what was typed of it, and the quote that it was begun with.</summary>
internal readonly record struct TypedWord(string Text, char? Quote)
{
    /// <summary>Reads what PowerShell hands over, which has the quotes as they were typed.</summary>
    public static TypedWord Read(string? word)
    {
        if (string.IsNullOrEmpty(word))
            return new TypedWord("", null);
        char quote = word[0];
        if (!IsQuote(quote))
            return new TypedWord(word, null);
        string text = word[1..];
        return new TypedWord(text.EndsWith(quote) ? text[..^1] : text, quote);
    }

    /// <summary>Those of some words, which hold no quotes, that begin as this one does.</summary>
    public IEnumerable<CompletionResult> Complete(IEnumerable<string> words)
    {
        (string text, char? quote) = (Text, Quote);
        return from word in words
               where word.StartsWith(text, StringComparison.OrdinalIgnoreCase)
               let typed = quote is null ? PipedWords.Typed(word) : $"{quote}{word}{quote}"
               select new CompletionResult(typed, word, CompletionResultType.ParameterValue, word);
    }

    // PowerShell takes typographic quotes for quotes.
    private static bool IsQuote(char c) => c is '"' or '\'' or '\u2018' or '\u2019' or '\u201c' or '\u201d';
}
