using System.Collections;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Management.Automation.Remoting;
using System.Management.Automation.Runspaces;
using Microsoft.PowerShell.Commands;
using NatDsa.Probe;
using NatDsa.Resources;

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

/// <summary>A host reached by PowerShell remoting over SSH. The session that a run opens serves those who hold the target.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to dispose of.")]
internal sealed class HostNameTarget(string hostName, SshRemoting remoting) : HostTarget
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly object _lock = new();
    private Connection? _connection;
    private int _holders;

    public override string ComputerName => hostName;

    internal override IDisposable Hold()
    {
        lock (_lock)
            _holders++;
        return new Holder(this);
    }

    internal override HostTarget Another(string name, HostAddress address) => new HostNameTarget(address.Host, remoting with
    {
        UserName = address.UserName ?? remoting.UserName,
        Port = address.Port ?? remoting.Port,
    });

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        var clock = Stopwatch.StartNew();
        using IDisposable held = Hold();
        try
        {
            PSSession session = await ConnectAsync(limits, stop.Token).ConfigureAwait(false);
            RunLimits left = limits with { Time = limits.Time - clock.Elapsed };
            return await new SessionTarget(session).RunAsync(script, left, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            Disconnect();
            throw HostFailures.TimedOut(ComputerName, limits with { KillOnStop = true });
        }
        catch
        {
            // What a failed run left in the session is not known.
            Disconnect();
            throw;
        }
    }

    private async Task<PSSession> ConnectAsync(RunLimits limits, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_connection is { IsOpen: true } open)
                return open.Session;
            Disconnect();

            // A session ends with the runspace that opened it.
            Runspace runspace = NewPSSessionRunspace();
            try
            {
                PSSession session = await OpenAsync(runspace, limits, cancellation).ConfigureAwait(false);
                lock (_lock)
                    _connection = new Connection(runspace, session);
                return session;
            }
            catch
            {
                Close(runspace);
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Disconnect()
    {
        Connection? connection;
        lock (_lock)
            (connection, _connection) = (_connection, null);
        if (connection is not null)
            Close(connection.Runspace);
    }

    private void LetGo()
    {
        bool last;
        lock (_lock)
            last = --_holders == 0;
        if (last)
            Disconnect();
    }

    // Closing waits for the far side, which may be dead: nobody waits for that.
    private static void Close(Runspace runspace) => _ = Task.Run(runspace.Dispose, CancellationToken.None);

    private async Task<PSSession> OpenAsync(Runspace runspace, RunLimits limits, CancellationToken cancellation)
    {
        if (remoting.KeyFilePath is { } key && !File.Exists(key))
            throw new HostException(ErrorIds.FileUnreadable, ErrorCategory.ObjectNotFound, Messages.KeyFileMissing.With(hostName, key));
        if (await SshProgram.WhyNoWayAsync(hostName, remoting, cancellation).ConfigureAwait(false) is { } why)
            throw HostFailures.Connecting(hostName, new RuntimeException(why));

        using var pipeline = new RemotePipeline(runspace, hostName);
        pipeline.Commands.AddCommand("New-PSSession").AddParameter("HostName", hostName);
        Add("UserName", remoting.UserName);
        Add("KeyFilePath", remoting.KeyFilePath);
        Add("Subsystem", remoting.Subsystem);
        Add("Options", WithSecondAttempt(remoting.Options));
        if (remoting.Port > 0)
            Add("Port", remoting.Port);

        // Without it, an ssh that dies before the session is up is waited for without end (PowerShell issue 25203).
        int all = (int)Math.Min(int.MaxValue, limits.Time.TotalMilliseconds);
        Add("ConnectingTimeout", remoting.ConnectingTimeout > 0 ? Math.Min(remoting.ConnectingTimeout, all) : all);

        PSDataCollection<PSObject> sessions = await pipeline.InvokeAsync(cancellation).ConfigureAwait(false);
        if (sessions is [{ BaseObject: PSSession session }])
            return session;
        string words = pipeline.FirstError is PSRemotingTransportException
            ? await SshProgram.WhyNotConnectedAsync(hostName, remoting, cancellation).ConfigureAwait(false)
            : "";
        throw HostFailures.Connecting(hostName, pipeline.FirstError, words);

        void Add(string name, object? value)
        {
            if (value is not null)
                pipeline.Commands.AddParameter(name, value);
        }
    }

    // A host that refuses connections does so at once, and PowerShell does not bear an ssh that ends at once: the second attempt is a second later.
    private static Hashtable WithSecondAttempt(Hashtable? options)
    {
        var all = new Hashtable(options ?? [], StringComparer.OrdinalIgnoreCase);
        if (!all.ContainsKey("ConnectionAttempts"))
            all.Add("ConnectionAttempts", "2");
        return all;
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

    private sealed record Connection(Runspace Runspace, PSSession Session)
    {
        public bool IsOpen => Session.Runspace.RunspaceStateInfo.State == RunspaceState.Opened;
    }

    private sealed class Holder(HostNameTarget target) : IDisposable
    {
        private int _letGo;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _letGo, 1) == 0)
                target.LetGo();
        }
    }
}
