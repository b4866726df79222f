using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>
/// The <c>ssh</c> that <c>New-PSSession -HostName</c> starts. PowerShell's remoting tells its caller no more than that ssh ended, and when it
/// ends in its first moments, closing it takes the whole process down. So ssh is asked before whether it knows a way to the host at
/// all, and after a session did not come up, why.
/// </summary>
internal static class SshProgram
{
    // A host that logs us in could send words without end.
    private const int MaxWords = 4096;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Why ssh would end before it connects: its configuration is broken, or the host's name leads nowhere. Null when it knows a way. Makes no connection.
    /// </summary>
    public static async Task<string?> WhyNoWayAsync(
        HostAddress address, SshRemoting remoting, CancellationToken cancellation)
    {
        // What is missing or misspelt, New-PSSession itself says.
        if (PathOfSsh() is not { } ssh)
            return null;
        if (await RunAsync(Launch(ssh, address, remoting, "-G"), cancellation).ConfigureAwait(false) is not { } run)
            return null;
        if (run.ExitCode != 0)
            return run.Error;

        ILookup<string, string> settings = Settings(run.Output);
        // Another host resolves the name then.
        if (HasProxy(settings))
            return null;
        string name = settings["hostname"].FirstOrDefault(address.Host);
        try
        {
            await HostLookup.AddressesAsync(name, cancellation).ConfigureAwait(false);
            return null;
        }
        catch (SocketException e)
        {
            return Messages.NameUnresolved.With(name, e.Message);
        }
    }

    /// <summary>The address that ssh connects to; null where it goes through another host, or does not tell.</summary>
    public static async Task<(string Host, int Port)?> AddressOfAsync(
        HostAddress address, SshRemoting remoting, CancellationToken cancellation)
    {
        if (PathOfSsh() is not { } ssh
            || await RunAsync(Launch(ssh, address, remoting, "-G"), cancellation).ConfigureAwait(false) is not { ExitCode: 0 } run)
            return null;
        ILookup<string, string> settings = Settings(run.Output);
        return !HasProxy(settings) && int.TryParse(settings["port"].FirstOrDefault(), CultureInfo.InvariantCulture, out int port)
            ? (settings["hostname"].FirstOrDefault(address.Host), port)
            : null;
    }

    private static ILookup<string, string> Settings(string output) => output.Split('\n')
        .Select(line => line.TrimEnd('\r').Split(' ', 2))
        .Where(words => words.Length == 2)
        .ToLookup(words => words[0], words => words[1], StringComparer.OrdinalIgnoreCase);

    private static bool HasProxy(ILookup<string, string> settings) =>
        settings["proxyjump"].Concat(settings["proxycommand"]).Any(proxy => proxy != "none");

    /// <summary>Connects as <c>New-PSSession</c> does, without asking the user anything; empty when ssh does not complain in time.</summary>
    public static async Task<string> WhyNotConnectedAsync(
        HostAddress address, SshRemoting remoting, CancellationToken cancellation) =>
        PathOfSsh() is { } ssh
            && await RunAsync(Launch(ssh, address, remoting), cancellation).ConfigureAwait(false) is { } run
            ? run.Error : "";

    // Null when it does not end in time.
    private static async Task<(int ExitCode, string Output, string Error)?> RunAsync(ProcessStartInfo start, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(s_limit);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using Process process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = ReadAsync(process.StandardOutput, 64 << 10, stop.Token);
            string error = await ReadAsync(process.StandardError, MaxWords, stop.Token).ConfigureAwait(false);
            string text = await output.ConfigureAwait(false);
            await process.WaitForExitAsync(stop.Token).ConfigureAwait(false);
            return (process.ExitCode, text, error.Trim());
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            process.Kill();
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, int limit, CancellationToken cancellation)
    {
        char[] words = new char[limit];
        return new string(words, 0, await reader.ReadBlockAsync(words, cancellation).ConfigureAwait(false));
    }

    private static ProcessStartInfo Launch(string ssh, HostAddress address, SshRemoting remoting, params string[] first)
    {
        var start = new ProcessStartInfo(ssh)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Of an option that is given twice ssh takes the first. At the level ERROR it says nothing of banners.
        Add([.. first, "-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]);
        if (remoting.KeyFilePath is { } key)
            Add("-i", key);
        if ((address.Port ?? remoting.Port) is > 0 and int port)
            Add("-p", port.ToString(CultureInfo.InvariantCulture));
        if ((address.UserName ?? remoting.UserName) is { } user)
            Add("-l", user);
        foreach (DictionaryEntry option in remoting.Options ?? [])
            Add("-o", $"{option.Key}={option.Value}");
        Add("-s", "--", address.Host, remoting.Subsystem ?? "powershell");
        return start;

        void Add(params string[] arguments)
        {
            foreach (string argument in arguments)
                start.ArgumentList.Add(argument);
        }
    }

    // By name, Windows would look in the current folder before it looks in the path.
    private static string? PathOfSsh() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(Path.IsPathFullyQualified)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "ssh.exe" : "ssh"))
            .FirstOrDefault(File.Exists);
}
