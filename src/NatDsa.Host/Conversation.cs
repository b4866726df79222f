using System.Management.Automation.Language;
using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>A prompt: a statement is typed, run, and the next one asked for, until <c>exit</c> or the end of input.</summary>
internal sealed class Conversation
{
    private readonly Engine _engine;
    private readonly ConsoleHost _host;
    private readonly Terminal _terminal;
    private int _depth;

    public Conversation(Engine engine, ConsoleHost host, Terminal terminal)
    {
        _engine = engine;
        _host = host;
        _terminal = terminal;
        host.NestedPrompt = () => Hold(nested: true);
        host.EndNestedPrompt = () => _depth--;
    }

    /// <returns>The program's exit code.</returns>
    public int Hold()
    {
        _terminal.WriteLine(ProductVersion.Text + ". " + Messages.PromptWelcome);
        return Hold(nested: false);
    }

    private int Hold(bool nested)
    {
        int depth = ++_depth;
        int last = ExitCode.Success;
        while (_depth >= depth && _host.RequestedExitCode is null)
        {
            try
            {
                if (ReadStatement(nested) is not { } statement)
                    break;
                last = _engine.RunText(statement, nested);
            }
            catch (OperationCanceledException)
            {
                _terminal.WriteLine("");
            }
        }

        _depth = depth - 1;
        return _host.RequestedExitCode ?? last;
    }

    /// <summary>Reads lines until they make whole statements. An empty line ends what would go on for ever.</summary>
    private string? ReadStatement(bool nested)
    {
        string text = "";
        _terminal.WriteQuestion(nested ? "natdsa>> " : "natdsa> ");
        while (_terminal.ReadLine() is { } line)
        {
            text += line;
            Parser.ParseInput(text, out _, out ParseError[] errors);
            if (line is "" || !errors.Any(e => e.IncompleteInput))
                return text;
            text += Environment.NewLine;
            _terminal.WriteQuestion(">> ");
        }

        return null;
    }
}
