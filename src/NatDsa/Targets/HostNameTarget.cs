using System.Collections;
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
        var began = DateTime.UtcNow;
        PSSession session;
        try
        {
            session = await OpenAsync(limits, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(ComputerName, limits with { KillOnStop = true });
        }

        try
        {
            TimeSpan left = limits.Time - (DateTime.UtcNow - began);
            return await new SessionTarget(session).RunAsync(script, limits with { Time = left }, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Close(session);
        }
    }

    private async Task<PSSession> OpenAsync(RunLimits limits, CancellationToken cancellation)
    {
        using Runspace runspace = NewPSSessionRunspace();
        var pipeline = PowerShell.Create();
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
        if (sessions is not [{ BaseObject: PSSession session }])
            throw HostFailures.Connecting(hostName, RemotePipeline.FirstError(pipeline));
        pipeline.Dispose();
        return session;

        void Add(string name, object? value)
        {
            if (value is not null)
                pipeline.AddParameter(name, value);
        }
    }

    // One command is all that this runspace has: it opens in a few milliseconds.
    private static Runspace NewPSSessionRunspace()
    {
        var state = InitialSessionState.Create();
        state.Commands.Add(new SessionStateCmdletEntry("New-PSSession", typeof(NewPSSessionCommand), null));
        Runspace runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        return runspace;
    }

    // Closing waits for the far side, which may be dead: nobody waits for that.
    private static void Close(PSSession session) => Task.Run(session.Runspace.Dispose);
}
