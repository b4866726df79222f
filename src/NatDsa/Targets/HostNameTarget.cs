using System.Collections;
using System.Diagnostics;
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

/// <summary>A host reached by PowerShell remoting over SSH. The session that a run opens serves those that come after it, too.</summary>
/// <param name="computerName">What the caller calls it.</param>
/// <param name="address">Where that is; its user and port go before those of <paramref name="remoting"/>.</param>
/// <param name="remoting">How it is reached.</param>
internal sealed class HostNameTarget(string computerName, HostAddress address, SshRemoting remoting) : HostTarget
{
    private readonly HeldConnection<Connection> _connection = new(c => c.IsOpen);

    public override string ComputerName => computerName;

    internal override string Way
    {
        get
        {
            string user = (address.UserName ?? remoting.UserName) is { Length: > 0 } name ? $"{name}@" : "";
            string host = address.Host.Contains(':') ? $"[{address.Host}]" : address.Host;
            string port = (address.Port ?? remoting.Port) is > 0 and var number
                ? FormattableString.Invariant($":{number}")
                : "";
            return Messages.WayRemoting.With(user + host + port);
        }
    }

    internal override IDisposable Hold() => _connection.Hold();

    internal override void Drop() => _connection.Drop();

    // Without ssh's own sharing of connections.
    internal override Task<HostTarget?> AnewAsync(CancellationToken cancellation)
    {
        var options = new Hashtable(remoting.Options ?? [], StringComparer.OrdinalIgnoreCase);
        options["ControlPath"] = "none";
        SshRemoting anew = remoting with { Options = options };
        return Task.FromResult<HostTarget?>(new HostNameTarget(computerName, address, anew));
    }

    internal override HostTarget Another(string name, HostAddress other)
    {
        SshRemoting same = remoting with
        {
            UserName = address.UserName ?? remoting.UserName,
            Port = address.Port ?? remoting.Port,
        };
        return new HostNameTarget(name, other, same);
    }

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        var clock = Stopwatch.StartNew();
        using IDisposable held = Hold();
        try
        {
            (Connection connection, bool isNew) =
                await _connection.GetAsync(c => ConnectAsync(limits, c), stop.Token).ConfigureAwait(false);
            RunLimits left = limits with { Time = limits.Time - clock.Elapsed };
            var session = new SessionTarget(connection.Session);
            HostAnswer answer = await session.RunAsync(script, left, cancellation).ConfigureAwait(false);
            return answer with { OverKept = !isNew };
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            _connection.Drop();
            throw HostFailures.TimedOut(ComputerName, limits with { KillOnStop = true });
        }
        catch
        {
            // What a failed run left in the session is not known.
            _connection.Drop();
            throw;
        }
    }

    private async Task<Connection> ConnectAsync(RunLimits limits, CancellationToken cancellation)
    {
        // A session ends with the runspace that opened it.
        Runspace runspace = NewPSSessionRunspace();
        try
        {
            return new Connection(runspace, await OpenAsync(runspace, limits, cancellation).ConfigureAwait(false));
        }
        catch
        {
            Close(runspace);
            throw;
        }
    }

    // Closing waits for the far side, which may be dead: nobody waits for that.
    private static void Close(Runspace runspace) => _ = Task.Factory.StartNew(runspace.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async Task<PSSession> OpenAsync(Runspace runspace, RunLimits limits, CancellationToken cancellation)
    {
        if (remoting.KeyFilePath is { } key && !File.Exists(key))
            throw new HostException(ErrorIds.FileUnreadable, Messages.KeyFileMissing.With(computerName, key));
        if (await SshProgram.WhyNoWayAsync(address, remoting, cancellation).ConfigureAwait(false) is { } why)
            throw HostFailures.Connecting(computerName, new RuntimeException(why));

        using var pipeline = new RemotePipeline(runspace, computerName);
        string host = address.Host.Contains(':') ? $"[{address.Host}]" : address.Host;
        pipeline.Commands.AddCommand("New-PSSession").AddParameter("HostName", host);
        Add("UserName", address.UserName ?? remoting.UserName);
        Add("KeyFilePath", remoting.KeyFilePath);
        Add("Subsystem", remoting.Subsystem);
        Add("Options", WithSecondAttempt(remoting.Options));
        if ((address.Port ?? remoting.Port) is > 0 and int port)
            Add("Port", port);

        // Without it, an ssh that dies before the session is up is waited for without end (PowerShell issue 25203).
        int all = (int)Math.Min(int.MaxValue, limits.Time.TotalMilliseconds);
        Add("ConnectingTimeout", remoting.ConnectingTimeout > 0 ? Math.Min(remoting.ConnectingTimeout, all) : all);

        PSDataCollection<PSObject> sessions = await pipeline.InvokeAsync(cancellation).ConfigureAwait(false);
        if (sessions is [{ BaseObject: PSSession session }])
            return session;
        string words = pipeline.FirstError is PSRemotingTransportException
            ? await SshProgram.WhyNotConnectedAsync(address, remoting, cancellation).ConfigureAwait(false)
            : "";
        throw HostFailures.Connecting(computerName, pipeline.FirstError, words);

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

    private sealed record Connection(Runspace Runspace, PSSession Session) : IDisposable
    {
        public bool IsOpen => Session.Runspace.RunspaceStateInfo.State == RunspaceState.Opened;

        public void Dispose() => Close(Runspace);
    }
}
