using System.Globalization;
using System.Security;
using System.Text;

namespace NatDsa.Host;

/// <summary>
/// The three standard streams, in UTF-8, and what is at their other ends. One lock keeps lines of different threads, and
/// the progress line, apart.
/// </summary>
internal sealed class Terminal : IDisposable
{
    private const int WidthOfAFile = 120;
    private const int HeightOfAFile = 40;

    private readonly Lock _writing = new();
    private readonly StreamWriter _output;
    private readonly StreamWriter _error;
    private readonly Lazy<TextReader> _input;
    private ProgressLine? _progress;
    private Task<string?>? _pendingLine;
    private Task<SecureString>? _pendingSecret;
    private CancellationTokenSource _reading = new();

    public Terminal()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (OperatingSystem.IsWindows() && !Console.IsOutputRedirected)
            Console.OutputEncoding = utf8;
        _output = new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true };
        _error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true };
        _input = new(() => Console.IsInputRedirected
            ? new StreamReader(Console.OpenStandardInput(), utf8, detectEncodingFromByteOrderMarks: true)
            : Console.In);
        UsesColour = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
    }

    /// <summary>Whether somebody sits there who can answer a question.</summary>
    public bool IsInteractive { get; } = !Console.IsInputRedirected && !(Console.IsOutputRedirected && Console.IsErrorRedirected);

    /// <summary>Whether escape sequences are shown as colours. See https://no-color.org.</summary>
    public bool UsesColour { get; }

    /// <summary>Whether escape sequences in errors are shown as colours.</summary>
    public bool UsesColourInErrors => UsesColour && !Console.IsErrorRedirected;

    /// <summary>Columns. Redirected: <c>COLUMNS</c>, or 120.</summary>
    public static int Width
    {
        get
        {
            if (!Console.IsOutputRedirected && Console.WindowWidth is > 0 and int width)
                return width;
            return int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), NumberStyles.None, CultureInfo.InvariantCulture, out int columns) && columns is > 0 and <= short.MaxValue
                ? columns
                : WidthOfAFile;
        }
    }

    /// <summary>Lines.</summary>
    public static int Height => !Console.IsOutputRedirected && Console.WindowHeight is > 0 and int height ? height : HeightOfAFile;

    /// <summary>Standard input as it is redirected.</summary>
    public TextReader Input => _input.Value;

    public void Write(string text) => WriteTo(_output, text);

    public void WriteLine(string text) => WriteTo(_output, text + Environment.NewLine);

    public void WriteErrorLine(string text) => WriteTo(_error, text + Environment.NewLine);

    /// <summary>Writes where the person who is asked looks: the error stream, when standard output goes elsewhere.</summary>
    public void WriteQuestion(string text) => WriteTo(Console.IsOutputRedirected ? _error : _output, text);

    /// <summary>Shows how far a command has come; null takes the line away. Nothing, unless a person watches standard error.</summary>
    public void ShowProgress(string? text)
    {
        if (Console.IsErrorRedirected || !IsInteractive)
            return;
        lock (_writing)
        {
            _progress ??= new ProgressLine(_error, Width);
            _progress.Show(text);
        }
    }

    /// <summary>Reads one line that a person types.</summary>
    /// <returns>The line; null at the end of input.</returns>
    /// <exception cref="OperationCanceledException">Ctrl+C.</exception>
    public string? ReadLine() => Await(ref _pendingLine, Console.In.ReadLine);

    /// <summary>Asks for one line that nobody sees, an asterisk a character.</summary>
    /// <param name="question">What is asked.</param>
    /// <exception cref="OperationCanceledException">Ctrl+C.</exception>
    public SecureString ReadSecret(string question)
    {
        // .NET turns the terminal's echo off when it first looks for a key: that must be before somebody is asked to type.
        if (!Console.IsInputRedirected)
            _ = Console.KeyAvailable;
        WriteQuestion(question);
        return Await(ref _pendingSecret, TypeSecret);
    }

    /// <summary>Ends the reading that is under way.</summary>
    public void CancelReading() => Interlocked.Exchange(ref _reading, new CancellationTokenSource()).Cancel();

    public void Dispose()
    {
        ShowProgress(null);
        // .NET puts the terminal's keypad into application mode and leaves it there (dotnet/runtime issue 27626).
        if (!Console.IsOutputRedirected && !OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("TERM") != "dumb")
            Write("\u001b[?1l\u001b>");
        _output.Dispose();
        _error.Dispose();
        _reading.Dispose();
    }

    // A read from a terminal cannot be cancelled. One that is abandoned at Ctrl+C stays, and the next question gets its answer.
    private T Await<T>(ref Task<T>? pending, Func<T> read)
    {
        pending ??= Task.Run(read);
        pending.Wait(_reading.Token);
        T answer = pending.Result;
        pending = null;
        return answer;
    }

    private SecureString TypeSecret()
    {
        var secret = new SecureString();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            switch (key)
            {
                case { Key: ConsoleKey.Enter }:
                    WriteQuestion(Environment.NewLine);
                    return secret;
                case { Key: ConsoleKey.Backspace } when secret.Length > 0:
                    secret.RemoveAt(secret.Length - 1);
                    WriteQuestion("\b \b");
                    break;
                case { KeyChar: not '\0' } when !char.IsControl(key.KeyChar):
                    secret.AppendChar(key.KeyChar);
                    WriteQuestion("*");
                    break;
            }
        }
    }

    private void WriteTo(StreamWriter stream, string text)
    {
        lock (_writing)
        {
            _progress?.Show(null);
            stream.Write(text);
        }
    }
}
