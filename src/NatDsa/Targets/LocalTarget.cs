using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>This machine.</summary>
internal sealed class LocalTarget : HostTarget
{
    private const int MaxError = 64 << 10;

    public override string ComputerName => Environment.MachineName;

    internal override string Way => Messages.WayLocal;

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux())
            throw new HostException(ErrorIds.NotLinux, Messages.NotLinux.With(ComputerName));

        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using Process shell = Start(script, limits);
        try
        {
            Task<(byte[] Bytes, bool TooLong)> error = ReadAsync(shell.StandardError.BaseStream, MaxError, discardRest: true, stop.Token);
            Task<(byte[] Bytes, bool TooLong)> output = ReadAsync(shell.StandardOutput.BaseStream, limits.MaxOutput, discardRest: false, stop.Token);
            await WriteAsync(shell, ShellLaunch.Input(script, limits.Sudo), stop.Token).ConfigureAwait(false);
            (byte[] bytes, bool tooLong) = await output.ConfigureAwait(false);
            if (tooLong)
                throw HostFailures.TooMuchOutput(ComputerName, limits.MaxOutput);
            (byte[] errorBytes, _) = await error.ConfigureAwait(false);
            await shell.WaitForExitAsync(stop.Token).ConfigureAwait(false);
            return new HostAnswer(bytes, Encoding.UTF8.GetString(errorBytes), shell.ExitCode);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(ComputerName, limits);
        }
        finally
        {
            if (limits.KillOnStop)
                Kill(shell);
        }
    }

    private static void Kill(Process shell)
    {
        try
        {
            if (!shell.HasExited)
                shell.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is AggregateException or Win32Exception)
        {
            // What sudo runs is root's, out of this user's reach: it ends by the time limits of its own commands.
        }
    }

    private static Process Start(HostScript script, RunLimits limits)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in ShellLaunch.Arguments(script, limits.Sudo))
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static async Task WriteAsync(Process shell, byte[] input, CancellationToken cancellation)
    {
        try
        {
            await shell.StandardInput.BaseStream.WriteAsync(input, cancellation).ConfigureAwait(false);
            shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // The shell has ended before it read everything, as sudo does when it refuses: its output says why.
        }
    }

    private static async Task<(byte[] Bytes, bool TooLong)> ReadAsync(Stream stream, int limit, bool discardRest, CancellationToken cancellation)
    {
        var bytes = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            int room = limit - (int)bytes.Length;
            bytes.Write(buffer, 0, Math.Min(read, room));
            if (read > room && !discardRest)
                return (bytes.ToArray(), true);
        }

        return (bytes.ToArray(), false);
    }
}
