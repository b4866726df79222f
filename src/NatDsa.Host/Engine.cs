using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>One runspace with the module in it, and the pipelines that run there, one after another.</summary>
internal sealed class Engine : IDisposable
{
    private readonly Terminal _terminal;
    private readonly ConsoleHost _host;
    private readonly Runspace _runspace;
    private readonly PosixSignalRegistration _controlC;
    private volatile Pipeline? _running;
    private volatile bool _interrupted;

    private Engine(Terminal terminal, ConsoleHost host, Runspace runspace)
    {
        _terminal = terminal;
        _host = host;
        _runspace = runspace;
        _controlC = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
    }

    /// <summary>Does what the command line says.</summary>
    /// <returns>The program's exit code.</returns>
    public static int Run(CommandLine line, Terminal terminal)
    {
        var host = new ConsoleHost(terminal, interactive: terminal.IsInteractive && !line.NonInteractive);
        Runspace runspace;
        try
        {
            runspace = Open(host);
        }
        catch (RuntimeException e)
        {
            terminal.WriteErrorLine(Messages.EngineFailed.With(e.Message));
            return ExitCode.EngineFailed;
        }

        using var engine = new Engine(terminal, host, runspace);
        return line.Task switch
        {
            CommandLineTask.RunCommand => engine.RunText(line.Command),
            CommandLineTask.RunStandardInput => engine.RunText(terminal.Input.ReadToEnd()),
            CommandLineTask.RunFile => engine.RunFile(line.File, line.FileArguments),
            _ => new Conversation(engine, host, terminal).Hold(),
        };
    }

    /// <summary>Runs a script's text and shows what it writes.</summary>
    /// <param name="script">The text.</param>
    /// <param name="nested">Whether it runs inside a pipeline that is waiting.</param>
    public int RunText(string script, bool nested = false)
    {
        if (string.IsNullOrWhiteSpace(script))
            return ExitCode.Success;
        Pipeline pipeline = nested ? _runspace.CreateNestedPipeline(script, addToHistory: true) : _runspace.CreatePipeline(script, addToHistory: true);
        return Run(pipeline, readsInput: ReadsInput(Parser.ParseInput(script, out _, out _)));
    }

    public void Dispose()
    {
        _controlC.Dispose();
        _runspace.Dispose();
    }

    private static Runspace Open(ConsoleHost host)
    {
        ModulePath.Prepend();
        InitialSessionState state = InitialSessionState.CreateDefault2();
        state.ThrowOnRunspaceOpenError = true;
        state.ImportPSModule(ModulePath.Manifest);
        Runspace runspace = RunspaceFactory.CreateRunspace(host, state);
        runspace.Open();
        // "exit 3" in a script file that is the pipeline's own command ends the program with 3, not just the file.
        SetRethrowExit(GetContext(runspace), true);
        return runspace;
    }

    private int RunFile(string path, IReadOnlyList<string> arguments)
    {
        Ast ast = Parser.ParseFile(path, out _, out _);
        // As on every Unix, a script needs no suffix: one without .ps1 is read as a script's text.
        Command command = path.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase)
            ? new Command(path)
            : new Command(File.ReadAllText(path), isScript: true);
        foreach (CommandParameter argument in ScriptArguments.Read(arguments))
            command.Parameters.Add(argument);
        Pipeline pipeline = _runspace.CreatePipeline();
        pipeline.Commands.Add(command);
        return Run(pipeline, ReadsInput(ast));
    }

    private int Run(Pipeline pipeline, bool readsInput)
    {
        pipeline.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        pipeline.Commands.Add(new Command("Out-Default"));
        Exception? failure = Complete(pipeline, readsInput && Console.IsInputRedirected);
        if (_interrupted)
        {
            _interrupted = false;
            return ExitCode.Interrupted;
        }

        bool succeeded = failure is null && _runspace.SessionStateProxy.GetVariable("?") is true;
        if (failure is not null)
            Report(failure);
        return _host.RequestedExitCode ?? (succeeded ? ExitCode.Success : ExitCode.Failure);
    }

    /// <summary>Runs a pipeline and waits for its end.</summary>
    /// <returns>What ended it early; null when nothing did.</returns>
    private Exception? Complete(Pipeline pipeline, bool readInput)
    {
        using (pipeline)
        {
            using var ended = new ManualResetEventSlim();
            pipeline.StateChanged += (_, e) =>
            {
                if (e.PipelineStateInfo.State is PipelineState.Completed or PipelineState.Failed or PipelineState.Stopped)
                    ended.Set();
            };
            Pipeline? outer = _running;
            _running = pipeline;
            pipeline.InvokeAsync();
            if (readInput)
                Feed(pipeline.Input);
            pipeline.Input.Close();
            ended.Wait();
            _running = outer;
            _terminal.ShowProgress(null);
            return pipeline.PipelineStateInfo.Reason;
        }
    }

    /// <summary>Gives the lines of standard input to <c>$input</c>.</summary>
    private void Feed(PipelineWriter input)
    {
        try
        {
            while (input.IsOpen && _terminal.Input.ReadLine() is { } line)
                input.Write(line);
        }
        catch (PipelineClosedException)
        {
            // The pipeline ended before its input did; what ended it is told where the pipeline is.
        }
    }

    /// <summary>Shows what ended a pipeline as the engine shows every error.</summary>
    private void Report(Exception failure)
    {
        ErrorRecord error = failure switch
        {
            // Without a position of its own, which the engine's view counts on. The message has it.
            ParseException { ErrorRecord: { InvocationInfo: null } record } => new ErrorRecord(failure, record.FullyQualifiedErrorId, ErrorCategory.SyntaxError, null),
            IContainsErrorRecord { ErrorRecord: { } record } => record,
            _ => new ErrorRecord(failure, failure.GetType().Name, ErrorCategory.NotSpecified, null),
        };
        Pipeline pipeline = _runspace.CreatePipeline();
        pipeline.Commands.Add(new Command("Out-Default"));
        pipeline.Input.Write(AsError(error));
        if (Complete(pipeline, readInput: false) is { } unshown)
            _terminal.WriteErrorLine(failure.Message + Environment.NewLine + unshown.Message);
    }

    // WriteError would put its own position in the place of the error's: the mark that Out-Default looks for is set as pwsh sets it.
    private static PSObject AsError(ErrorRecord error)
    {
        var marked = PSObject.AsPSObject(error);
        PropertyInfo stream = typeof(PSObject).GetProperty("WriteStream", BindingFlags.Instance | BindingFlags.NonPublic)!;
        stream.SetValue(marked, Enum.Parse(stream.PropertyType, "Error"));
        return marked;
    }

    // The first Ctrl+C lets the pipeline stop in its own way; one more, while it still does, ends the program.
    private void Interrupt(PosixSignalContext signal)
    {
        if (_running is not { } pipeline || _interrupted)
            return;
        signal.Cancel = true;
        _interrupted = true;
        _terminal.CancelReading();
        pipeline.StopAsync();
    }

    private static bool ReadsInput(Ast script) =>
        script.Find(static a => a is VariableExpressionAst { VariablePath: { IsUnqualified: true, UserPath: var name } } && name.Equals("input", StringComparison.OrdinalIgnoreCase), searchNestedScriptBlocks: false) is not null;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ExecutionContext")]
    [return: UnsafeAccessorType("System.Management.Automation.ExecutionContext, System.Management.Automation")]
    private static extern object GetContext(Runspace runspace);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_ScriptCommandProcessorShouldRethrowExit")]
    private static extern void SetRethrowExit(
        [UnsafeAccessorType("System.Management.Automation.ExecutionContext, System.Management.Automation")] object context, bool value);
}
