using System.Collections;
using System.Diagnostics;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Microsoft.PowerShell.Commands;
using NatDsa.Probe;

namespace NatDsa.Targets;

/// <summary>How <c>New-PSSession -HostName</c> reaches a host: its parameters, by its names.</summary>
internal sealed record SshRemoting
{
    public string? UserName { get; init; }
    public int Port { get; init; }
    public string? KeyFilePath { get; init; }
    public string? Subsystem { get; init; }
    public Hashtable? Options { get; init; }
    public int ConnectingTimeout { get; init; }
}

/// <summary>A host reached by PowerShell remoting over SSH: a session is opened for each run, and closed after it.</summary>
internal sealed class HostNameTarget(string hostName, SshRemoting remoting) : HostTarget
{
    public override string ComputerName => hostName;

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        var clock = Stopwatch.StartNew();

        // A session ends with the runspace that opened it.
        Runspace runspace = NewPSSessionRunspace();
        try
        {
            PSSession session = await OpenAsync(runspace, limits, stop.Token).ConfigureAwait(false);
            RunLimits left = limits with { Time = limits.Time - clock.Elapsed };
            return await new SessionTarget(session).RunAsync(script, left, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(ComputerName, limits with { KillOnStop = true });
        }
        finally
        {
            // Closing waits for the far side, which may be dead: nobody waits for that.
            _ = Task.Run(runspace.Dispose, CancellationToken.None);
        }
    }

    private async Task<PSSession> OpenAsync(Runspace runspace, RunLimits limits, CancellationToken cancellation)
    {
        using var pipeline = PowerShell.Create();
        pipeline.Runspace = runspace;
        pipeline.AddCommand("New-PSSession").AddParameter("HostName", hostName);
        Add("UserName", remoting.UserName);
        Add("KeyFilePath", remoting.KeyFilePath);
        Add("Subsystem", remoting.Subsystem);
        Add("Options", remoting.Options);
        if (remoting.Port > 0)
            Add("Port", remoting.Port);

        // Without it, an ssh that dies before the session is up is waited for without end (PowerShell issue 25203).
        int all = (int)Math.Min(int.MaxValue, limits.Time.TotalMilliseconds);
        Add("ConnectingTimeout", remoting.ConnectingTimeout > 0 ? Math.Min(remoting.ConnectingTimeout, all) : all);

        PSDataCollection<PSObject> sessions = await RemotePipeline.InvokeAsync(pipeline, hostName, cancellation).ConfigureAwait(false);
        return sessions is [{ BaseObject: PSSession session }]
            ? session
            : throw HostFailures.Connecting(hostName, RemotePipeline.FirstError(pipeline));

        void Add(string name, object? value)
        {
            if (value is not null)
                pipeline.AddParameter(name, value);
        }
    }

    // One command, and the file system for its key file, is all that this runspace has: it opens in a few milliseconds.
    private static Runspace NewPSSessionRunspace()
    {
        var state = InitialSessionState.Create();
        state.Commands.Add(new SessionStateCmdletEntry("New-PSSession", typeof(NewPSSessionCommand), null));
        state.Providers.Add(new SessionStateProviderEntry("FileSystem", typeof(FileSystemProvider), null));
        Runspace runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        return runspace;
    }
}
