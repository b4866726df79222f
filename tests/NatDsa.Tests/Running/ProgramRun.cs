using System.Diagnostics;
using System.Text;

namespace NatDsa.Tests.Running;

/// <summary>One run of a program, to its end.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Standard output, decoded as UTF-8.</param>
/// <param name="Error">Standard error, decoded as UTF-8.</param>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Runs a command in a PowerShell of its own, which finds the module by its name.</summary>
    public static Task<ProgramRun> PwshAsync(string command, params (string Name, string Value)[] environment) =>
        OfAsync(StartPwsh(command, environment));

    /// <summary>Starts a command in a PowerShell of its own, which finds the module by its name.</summary>
    public static Process StartPwsh(string command, params (string Name, string Value)[] environment) =>
        Start(Pwsh.Program, ["-NoProfile", "-NonInteractive", "-Command", command], environment);

    /// <summary>Starts a program in a C locale, without colours, with its three streams in the caller's hands.</summary>
    public static Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Utf8,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
        };
        foreach (string unwanted in (string[])["NO_COLOR", "COLUMNS", "LANG", "LC_ALL", "LC_MESSAGES"])
            start.Environment.Remove(unwanted);
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["DOTNET_ROOT"] = Pwsh.DotnetRoot;
        start.Environment["PSModulePath"] = Path.GetDirectoryName(Repository.Module);
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Gives a program its input and waits for its end.</summary>
    /// <exception cref="TimeoutException">It still ran after two minutes; it has been killed.</exception>
    public static async Task<ProgramRun> OfAsync(Process process, string input = "")
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            try
            {
                await process.StandardInput.WriteAsync(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended without reading its input: what it said of that is in the answer.
            }

            using var limit = new CancellationTokenSource(s_limit);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                string command = string.Join(' ', [process.StartInfo.FileName, .. process.StartInfo.ArgumentList]);
                throw new TimeoutException($"Still running after {s_limit}: {command}\n{await output}\n{await error}");
            }

            return new ProgramRun(process.ExitCode, await output, await error);
        }
    }
}
