namespace NatDsa.Host;

/// <summary>natdsa: the PowerShell engine with the NatDsa module imported, in one program.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // Read once, when the engine loads: no program that repairs firewalls calls home.
        Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");

        BrokenSsh.Survive();
        using var terminal = new Terminal();
        CommandLine line;
        try
        {
            line = CommandLine.Parse(arguments);
        }
        catch (CommandLineException e)
        {
            terminal.WriteErrorLine(e.Message);
            terminal.WriteErrorLine(CommandLine.Usage);
            return ExitCode.BadArguments;
        }

        switch (line.Task)
        {
            case CommandLineTask.Help:
                terminal.WriteLine(CommandLine.Usage);
                return ExitCode.Success;
            case CommandLineTask.Version:
                terminal.WriteLine(ProductVersion.Text);
                return ExitCode.Success;
            case CommandLineTask.ServeRemoting:
                return RemotingEndpoint.Serve();
            case CommandLineTask.Converse when !terminal.IsInteractive:
                terminal.WriteErrorLine(CommandLine.Usage);
                return ExitCode.BadArguments;
            default:
                return Engine.Run(line, terminal);
        }
    }
}
