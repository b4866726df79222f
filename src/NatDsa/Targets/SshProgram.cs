using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>The <c>ssh</c> of this machine, which PowerShell remoting goes through.</summary>
internal static class SshProgram
{
    private const string Shell = "/bin/sh";

    // Ctrl+C is for the cmdlet: an ssh that dies of it takes what is to be told to the host along.
    private const string WithoutInterrupt = "trap '' INT; exec \"$@\"";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Starts it, to a host's PowerShell, as <c>New-PSSession</c> does.</summary>
    /// <exception cref="HostException">There is none, or it could not be started.</exception>
    public static Process Start(string computerName, HostAddress address, SshRemoting remoting)
    {
        if (PathOfSsh() is not { } ssh)
            throw new HostException(ErrorIds.TargetUnreachable, Messages.SshMissing.With(computerName));
        string[] arguments =
            [.. Arguments(address, remoting), "-s", "--", address.Host, remoting.Subsystem ?? "powershell"];
        try
        {
            return OperatingSystem.IsWindows()
                ? Start(ssh, arguments)
                : Start(Shell, ["-c", WithoutInterrupt, "sh", ssh, .. arguments]);
        }
        catch (Win32Exception e)
        {
            throw new HostException(
                ErrorIds.TargetUnreachable, Messages.TargetUnreachable.With(computerName, e.Message), e);
        }
    }

    /// <summary>The address that it connects to; null where it goes through another host, or does not tell.</summary>
    public static async Task<(string Host, int Port)?> AddressOfAsync(
        HostAddress address, SshRemoting remoting, CancellationToken cancellation)
    {
        if (PathOfSsh() is not { } ssh)
            return null;
        using var time = new CancellationTokenSource(s_limit);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using Process process = Start(ssh, ["-G", .. Arguments(address, remoting), "--", address.Host]);
        try
        {
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync(stop.Token);
            string output = await process.StandardOutput.ReadToEndAsync(stop.Token).ConfigureAwait(false);
            await errors.ConfigureAwait(false);
            await process.WaitForExitAsync(stop.Token).ConfigureAwait(false);
            ILookup<string, string> settings = output.Split('\n')
                .Select(line => line.TrimEnd('\r').Split(' ', 2))
                .Where(words => words.Length == 2)
                .ToLookup(words => words[0], words => words[1], StringComparer.OrdinalIgnoreCase);
            bool isDirect = settings["proxyjump"].Concat(settings["proxycommand"]).All(proxy => proxy == "none");
            return process.ExitCode == 0
                && isDirect
                && int.TryParse(settings["port"].FirstOrDefault(), CultureInfo.InvariantCulture, out int port)
                ? (settings["hostname"].FirstOrDefault(address.Host), port)
                : null;
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

    private static Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return Process.Start(start)!;
    }

    private static IEnumerable<string> Arguments(HostAddress address, SshRemoting remoting)
    {
        if (remoting.KeyFilePath is { } key)
        {
            yield return "-i";
            yield return key;
        }

        if ((address.UserName ?? remoting.UserName) is { } user)
        {
            yield return "-l";
            // As New-PSSession has it.
            yield return user.Split('\\') is [var domain, var name] ? $"{name}@{domain}" : user;
        }

        if ((address.Port ?? remoting.Port) is > 0 and int port)
        {
            yield return "-p";
            yield return port.ToString(CultureInfo.InvariantCulture);
        }

        foreach (DictionaryEntry option in remoting.Options ?? [])
        {
            yield return "-o";
            yield return $"{option.Key}={option.Value}";
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
