using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace NatDsa.Cmdlets;

/// <summary>Completes the names that netfilter itself gives: its tables, built-in chains and usual targets.</summary>
public sealed class NetfilterWords : IArgumentCompleter
{
    private static readonly Dictionary<string, string[]> s_words = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Table"] = ["filter", "nat", "mangle", "raw", "security"],
        ["Chain"] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
        ["Target"] = ["ACCEPT", "DNAT", "DROP", "LOG", "MASQUERADE", "NETMAP", "REDIRECT", "REJECT", "RETURN", "SNAT"],
    };

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        return s_words.TryGetValue(parameterName ?? "", out string[]? words)
            ? TypedWord.Read(wordToComplete).Complete(words)
            : [];
    }
}
