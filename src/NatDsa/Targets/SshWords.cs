using System.Collections;
using System.Diagnostics;
using System.Globalization;

namespace NatDsa.Targets;

/// <summary>
/// Why <c>ssh</c> does not reach a host, in its own words. PowerShell's remoting prints those and tells its caller no more than that ssh
/// ended; so when a session did not come up, ssh is asked once more.
/// </summary>
internal static class SshWords
{
    // A host that logs us in could send words without end.
    private const int MaxWords = 4096;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Connects as <c>New-PSSession</c> does, without asking the user anything; empty when ssh does not complain in time.</summary>
    public static async Task<string> AskAsync(string hostName, SshRemoting remoting, CancellationToken cancellation)
    {
        if (PathOfSsh() is not { } ssh || !HostAddress.TryRead(hostName, out HostAddress address))
            return "";

        using var time = new CancellationTokenSource(s_limit);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using Process process = Process.Start(Launch(ssh, address, remoting))!;
        try
        {
            process.StandardInput.Close();
            char[] words = new char[MaxWords];
            int length = await process.StandardError.ReadBlockAsync(words, stop.Token).ConfigureAwait(false);
            return new string(words, 0, length).Trim();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "";
        }
        finally
        {
            process.Kill();
        }
    }

    private static ProcessStartInfo Launch(string ssh, HostAddress address, SshRemoting remoting)
    {
        var start = new ProcessStartInfo(ssh)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Of an option that is given twice ssh takes the first. At the level ERROR it says nothing of banners.
        Add("-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR");
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
