using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace NatDsa.LabTests;

/// <summary>What a program has answered.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Everything on standard output.</param>
/// <param name="Error">Everything on standard error.</param>
/// <param name="Elapsed">The time from its start to its end.</param>
public sealed record LabResult(int ExitCode, string Output, string Error, TimeSpan Elapsed)
{
    /// <summary>Whether the exit code is 0.</summary>
    public bool Succeeded => ExitCode == 0;

    /// <summary>This result, for calling on.</summary>
    /// <exception cref="InvalidOperationException">The exit code is not 0; both streams are in the message.</exception>
    public LabResult EnsureSucceeded() => Succeeded
        ? this
        : throw new InvalidOperationException(ToString());

    /// <inheritdoc/>
    public override string ToString() => $"exit code {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>Runs programs of this machine, each with a time limit.</summary>
internal static class LabCommand
{
    /// <summary>The time limit of a command that has not been given one.</summary>
    public static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="TimeoutException">It was still running at the limit; it has been killed.</exception>
    public static async Task<LabResult> RunAsync(
        IReadOnlyList<string> command,
        string? input = null,
        TimeSpan? timeLimit = null,
        CancellationToken cancellationToken = default)
    {
        var limit = timeLimit ?? DefaultTimeLimit;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(limit);
        var start = Stopwatch.GetTimestamp();
        using var process = Start(command);
        var output = process.StandardOutput.ReadToEndAsync(stop.Token);
        var error = process.StandardError.ReadToEndAsync(stop.Token);
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), stop.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(stop.Token);
            return new LabResult(process.ExitCode, await output, await error, Stopwatch.GetElapsedTime(start));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"Still running after {limit}: {string.Join(' ', command)}");
        }
        finally
        {
            Kill(process);
        }
    }

    /// <summary>Starts a program with all three streams redirected.</summary>
    public static Process Start(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (var argument in command.Skip(1))
            start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start.");
    }

    /// <summary>Ends a program and what it has started, if it still runs.</summary>
    public static void Kill(Process process)
    {
        if (process.HasExited)
            return;
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Win32Exception) when (process.HasExited)
        {
            // It ended by itself between the question and the kill.
        }
    }
}
