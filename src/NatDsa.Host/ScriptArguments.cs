using System.Management.Automation.Runspaces;

namespace NatDsa.Host;

/// <summary>What follows a script's path on the command line, as the script's parameters.</summary>
internal static class ScriptArguments
{
    /// <summary>
    /// Reads <c>-Name value</c>, <c>-Name:value</c>, <c>-Name: value</c>, <c>-Switch</c> and values. After a colon, <c>true</c>,
    /// <c>$true</c>, <c>false</c> and <c>$false</c> are booleans; everything else is text, never code.
    /// </summary>
    public static IEnumerable<CommandParameter> Read(IReadOnlyList<string> arguments)
    {
        string? awaiting = null;
        foreach (string argument in arguments)
        {
            int colon = argument.IndexOf(':', StringComparison.Ordinal);
            if (awaiting is not null)
            {
                yield return new CommandParameter(awaiting, argument);
                awaiting = null;
            }
            else if (argument is not ['-', _, ..])
            {
                yield return new CommandParameter(null, argument);
            }
            else if (colon < 0)
            {
                yield return new CommandParameter(argument);
            }
            else if (colon == argument.Length - 1)
            {
                awaiting = argument[..colon];
            }
            else
            {
                yield return new CommandParameter(argument[..colon], BooleanOrText(argument[(colon + 1)..]));
            }
        }
    }

    private static object BooleanOrText(string value) =>
        bool.TryParse(value is ['$', ..] ? value[1..] : value, out bool boolean) ? boolean : value;
}
