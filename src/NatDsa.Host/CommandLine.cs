using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>What natdsa was asked to do.</summary>
internal enum CommandLineTask
{
    /// <summary>A prompt: nothing else was named.</summary>
    Converse,

    /// <summary>-Command TEXT.</summary>
    RunCommand,

    /// <summary>-Command -: the command's text comes from standard input.</summary>
    RunStandardInput,

    /// <summary>-File PATH ARGUMENTS.</summary>
    RunFile,

    /// <summary>-sshs: an endpoint of PowerShell remoting over SSH.</summary>
    ServeRemoting,

    /// <summary>-Version.</summary>
    Version,

    /// <summary>-Help.</summary>
    Help,
}

/// <summary>A command line that pwsh would not take either.</summary>
internal sealed class CommandLineException(string message) : Exception(message);

/// <summary>natdsa's command line: pwsh's names, shortened as pwsh lets them be.</summary>
/// <param name="Task">What to do.</param>
internal sealed record CommandLine(CommandLineTask Task)
{
    /// <summary>What -Help prints.</summary>
    public static string Usage => Messages.Usage;

    /// <summary>The command, for <see cref="CommandLineTask.RunCommand"/>.</summary>
    public string Command { get; init; } = "";

    /// <summary>The script's full path, for <see cref="CommandLineTask.RunFile"/>.</summary>
    public string File { get; init; } = "";

    /// <summary>The script's arguments, as they stood.</summary>
    public IReadOnlyList<string> FileArguments { get; init; } = [];

    /// <summary>Whether questions are refused even on a terminal.</summary>
    public bool NonInteractive { get; init; }

    /// <summary>Reads a command line.</summary>
    /// <exception cref="CommandLineException">It is none.</exception>
    public static CommandLine Parse(string[] arguments)
    {
        var line = new CommandLine(CommandLineTask.Converse);
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            string? name = ParameterName(argument);
            if (name is null)
                return line.WithFile(arguments[i..]);
            if (IsShortFor(name, "command", 1))
                return line.WithCommand(arguments[(i + 1)..]);
            if (IsShortFor(name, "file", 1))
                return line.WithFile(arguments[(i + 1)..]);
            if (IsShortFor(name, "version", 1))
                return line with { Task = CommandLineTask.Version };
            if (name is "?" || IsShortFor(name, "help", 1))
                return line with { Task = CommandLineTask.Help };
            if (IsShortFor(name, "sshservermode", 4))
                line = line with { Task = CommandLineTask.ServeRemoting };
            else if (IsShortFor(name, "noninteractive", 4))
                line = line with { NonInteractive = true };
            else if (!IsShortFor(name, "noprofile", 3) && !IsShortFor(name, "nologo", 3))
                throw new CommandLineException(Messages.UnknownParameter.With(argument));
        }

        return line;
    }

    private CommandLine WithCommand(string[] words) => words switch
    {
        [] => throw new CommandLineException(Messages.CommandMissing),
        ["-"] => this with { Task = CommandLineTask.RunStandardInput },
        ["-", ..] => throw new CommandLineException(Messages.CommandFromInputTakesNoMore),
        _ => this with { Task = CommandLineTask.RunCommand, Command = string.Join(' ', words) },
    };

    private CommandLine WithFile(string[] words)
    {
        if (words is [])
            throw new CommandLineException(Messages.FileMissing);
        string path = Path.GetFullPath(words[0]);
        if (!System.IO.File.Exists(path))
            throw new CommandLineException(Messages.FileNotFound.With(words[0]));
        return this with { Task = CommandLineTask.RunFile, File = path, FileArguments = words[1..] };
    }

    /// <summary>"-Name", "--name" or "/?" without its dashes, in lower case; null for anything else.</summary>
    private static string? ParameterName(string argument) => argument switch
    {
        "/?" => "?",
        ['-', '-', _, ..] => argument[2..].ToLowerInvariant(),
        ['-', _, ..] => argument[1..].ToLowerInvariant(),
        _ => null,
    };

    private static bool IsShortFor(string name, string whole, int atLeast) =>
        name.Length >= atLeast && whole.StartsWith(name, StringComparison.Ordinal);
}
