using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using System.Text;
using NatDsa.Probe;

namespace NatDsa.Targets;

/// <summary>The <c>/bin/sh</c> of a host at the other end of an open PowerShell session.</summary>
/// <param name="runspace">The session.</param>
/// <param name="computerName">What the caller calls the host.</param>
/// <param name="lastWords">What is known of why the session broke; empty: no more than PowerShell says.</param>
internal sealed class RunspaceShell(Runspace runspace, string computerName, Func<Task<string>>? lastWords = null)
{
    private const int MaxError = 64 << 10;

    private static readonly string s_run = ShellLaunch.Read("run-in-session.ps1");

    // A session runs one pipeline at a time, whoever asks.
    private static readonly ConditionalWeakTable<Runspace, SemaphoreSlim> s_turns = [];

    /// <inheritdoc cref="HostTarget.RunAsync"/>
    public async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        SemaphoreSlim turn = s_turns.GetValue(runspace, static _ => new SemaphoreSlim(1, 1));
        try
        {
            await turn.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                return await InvokeAsync(script, limits, stop.Token).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(computerName, limits);
        }
    }

    private async Task<HostAnswer> InvokeAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var pipeline = new RemotePipeline(runspace);
        pipeline.Commands.AddScript(s_run)
            .AddParameter("Arguments", ShellLaunch.Arguments(script, limits.Sudo))
            .AddParameter("Content", ShellLaunch.Input(script, limits.Sudo))
            .AddParameter("Seconds", (int)Math.Ceiling(limits.Time.TotalSeconds))
            .AddParameter("KillOnStop", limits.KillOnStop)
            .AddParameter("MaxOutput", limits.MaxOutput);
        PSDataCollection<PSObject> results;
        try
        {
            results = await pipeline.InvokeAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (RemotePipeline.IsBroken(e))
        {
            HostException failure = await BrokenAsync(e).ConfigureAwait(false);
            // With any other exception the script was not begun.
            throw !limits.KillOnStop && e is RuntimeException ? HostFailures.ConnectionLost(failure) : failure;
        }

        if (results is not [{ BaseObject: Hashtable result }])
            throw await BrokenAsync(pipeline.FirstError).ConfigureAwait(false);

        return Value<string>("Ending") switch
        {
            "Done" when Value<byte[]>("Output") is var output && output.Length <= limits.MaxOutput =>
                new HostAnswer(output, Text(Value<byte[]>("Error")), Value<int>("ExitCode")),
            "NotLinux" => throw HostFailures.NotLinux(computerName),
            "Done" or "TooMuchOutput" => throw HostFailures.TooMuchOutput(computerName, limits.MaxOutput),
            _ => throw HostFailures.TimedOut(computerName, limits),
        };

        T Value<T>(string name) => LanguagePrimitives.ConvertTo<T>(result[name]);

        static string Text(byte[] error) => Encoding.UTF8.GetString(error, 0, Math.Min(error.Length, MaxError));
    }

    private async Task<HostException> BrokenAsync(Exception e)
    {
        string words = lastWords is null ? "" : await lastWords().ConfigureAwait(false);
        return HostFailures.Connecting(computerName, e, words);
    }
}
