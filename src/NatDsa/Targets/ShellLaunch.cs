using System.Net;
using System.Security.Cryptography;
using System.Text;
using NatDsa.Privilege;
using NatDsa.Probe;

namespace NatDsa.Targets;

/// <summary>How <c>/bin/sh</c> is started for a script: constant arguments, and everything else on standard input.</summary>
internal static class ShellLaunch
{
    // Read whole before any of it runs: text that was cut off is a syntax error.
    // A script that goes on without its connection finds its own text in the variable.
    private const string RunInput = "natdsa_script=$(cat) && eval \"$natdsa_script\"";

    // The same between double quotes.
    private const string QuotedRunInput = "natdsa_script=\\$(cat) && eval \\\"\\$natdsa_script\\\"";

    // The last line of a script whose shell reads on. Values and scripts have no such line; the name stands in the command, and no shell reads it as something else.
    private const string ScriptEnds = "natdsa_asks";

    // MAX_ARG_STRLEN of 4 KiB pages.
    private const int MaxArgument = 128 << 10;

    private static readonly string s_launch = Read("launch.sh");
    private static readonly byte[] s_launchLine = Encoding.UTF8.GetBytes($"eval \"$(printf %b '{HostScript.Inert(s_launch)}')\"\n");

    /// <summary>The arguments of <c>/bin/sh</c>.</summary>
    public static string[] Arguments(HostScript script, Sudo? sudo) => sudo is null
        ? ["-c", s_launch, "sh", "as-is"]
        : ["-c", s_launch, "sh", sudo.Password is null ? "sudo" : "password", HostCommand.Path, HostCommand.Argument(script.Privilege)];

    /// <summary>What goes to standard input.</summary>
    public static byte[] Input(HostScript script, Sudo? sudo)
    {
        byte[] input = script.ToStandardInput();
        if (sudo?.Password is not { } password)
            return input;
        byte[] line = Encoding.UTF8.GetBytes(new NetworkCredential("", password).Password + "\n");
        byte[] both = [.. line, .. input];
        CryptographicOperations.ZeroMemory(line);
        return both;
    }

    /// <summary>
    /// The command for an sshd, which hands it to the user's login shell, whatever that is. What is in it, csh, fish and all that come
    /// from Bourne's read alike. It asks for no session of its own: sshd has given it one, whose leader setsid would leave behind.
    /// </summary>
    public static string Command(HostScript script, Sudo? sudo) => sudo switch
    {
        null => $"/bin/sh -c '{RunInput}'",
        { Password: null } => $"/bin/sh -c '{BySudo(script)}'",
        // What starts it has quotes and line ends that not all shells read alike: it is the input's first line. A login shell that asks its
        // user something has read that line, and the next is the password, which must not be run.
        _ => $"/bin/sh -c 'IFS= read -r launch; case $launch in eval*printf*) eval \"$launch\" ;; *) exit 65 ;; esac' sh password {HostCommand.Path} {HostCommand.Argument(script.Privilege)}",
    };

    // It comes between single quotes, and has none.
    private static string BySudo(HostScript script) =>
        $"if test -x {HostCommand.Path}; then exec sudo -n -- {HostCommand.Path} {HostCommand.Argument(script.Privilege)}; fi; "
        + $"exec sudo -n -- /bin/sh -c \"{QuotedRunInput}\"";

    /// <summary>The command for an sshd that leaves the rest of its input to the script.</summary>
    public static string QuestionCommand => $"/bin/sh -c 'natdsa_script=$(sed /#{ScriptEnds}/q) && eval \"$natdsa_script\"'";

    /// <summary>What goes to the standard input of <see cref="QuestionCommand"/> first. Busybox's sed ends when it has seen the line behind the one that it ends at.</summary>
    public static byte[] FirstQuestion(HostScript script) => [.. script.ToStandardInput(), .. Encoding.ASCII.GetBytes($"#{ScriptEnds}\n\n")];

    /// <summary>What goes to the standard input of <see cref="Command"/>.</summary>
    public static byte[] CommandInput(HostScript script, Sudo? sudo)
    {
        byte[] input = Input(script, sudo);
        return sudo?.Password is null ? input : [.. s_launchLine, .. input];
    }

    /// <summary>
    /// The command with the script in it, for an SSH client that cannot give a command its input; null when that needs a password, or
    /// is longer than one argument of Linux can be. In it is no character that any login shell would read as something else.
    /// </summary>
    public static string? CommandWithScript(HostScript script, Sudo? sudo)
    {
        string text = HostScript.Inert(Encoding.UTF8.GetString(script.ToStandardInput()));
        string command = sudo is null
            ? $"/bin/sh -c 'natdsa_script=$(printf %b \"{text}\") && eval \"$natdsa_script\"' </dev/null"
            : $"/bin/sh -c 'printf %b \"{text}\" | {{ {BySudo(script)}; }}'";
        return sudo?.Password is null && command.Length < MaxArgument ? command : null;
    }

    internal static string Read(string name)
    {
        using Stream stream = typeof(ShellLaunch).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
