using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>
/// Completes names of hosts: those that this user's ssh knows. What is typed up to an <c>@</c> stays.
/// </summary>
public sealed class HostNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName,
        string parameterName,
        string wordToComplete,
        CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        var word = TypedWord.Read(wordToComplete);
        string user = word.Text[..(word.Text.LastIndexOf('@') + 1)];
        string? knownHosts = Path(fakeBoundParameters?[nameof(HostCmdlet.KnownHostsPath)] as string);
        return word.Complete(SshHostNames.Read(knownHosts).Select(name => user + name));
    }

    private static string? Path(string? typed) => typed switch
    {
        null or "" => null,
        ['~', '/' or '\\', ..] => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + typed[1..],
        _ => typed,
    };
}
