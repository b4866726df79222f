using System.Collections;
using System.Diagnostics;
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
    private readonly HeldConnection<SshRunspace> _connection = new(c => c.IsOpen);

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
            (SshRunspace connection, bool isNew) = await _connection
                .GetAsync(opening => ConnectAsync(limits, opening, cancellation), stop.Token)
                .ConfigureAwait(false);
            RunLimits left = limits with { Time = limits.Time - clock.Elapsed };
            var shell = new RunspaceShell(connection.Runspace, ComputerName, connection.LastWordsAsync);
            HostAnswer answer = await shell.RunAsync(script, left, cancellation).ConfigureAwait(false);
            return answer with { OverKept = !isNew };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
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

    private async Task<SshRunspace> ConnectAsync(
        RunLimits limits, CancellationToken opening, CancellationToken cancellation)
    {
        if (remoting.KeyFilePath is { } key && !File.Exists(key))
            throw new HostException(ErrorIds.FileUnreadable, Messages.KeyFileMissing.With(computerName, key));
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(opening);
        if (remoting.ConnectingTimeout > 0)
            connecting.CancelAfter(remoting.ConnectingTimeout);
        var connection = new SshRunspace(SshProgram.Start(computerName, address, remoting));
        try
        {
            await connection.OpenAsync(connecting.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            HostException? failure = e switch
            {
                OperationCanceledException when cancellation.IsCancellationRequested => null,
                OperationCanceledException when opening.IsCancellationRequested =>
                    HostFailures.TimedOut(computerName, limits with { KillOnStop = true }, connection.Words),
                OperationCanceledException =>
                    HostFailures.NotConnected(computerName, remoting.ConnectingTimeout, connection.Words),
                _ when RemotePipeline.IsBroken(e) =>
                    HostFailures.Connecting(computerName, e, await connection.LastWordsAsync().ConfigureAwait(false)),
                _ => null,
            };
            connection.Dispose();
            if (failure is not null)
                throw failure;
            throw;
        }
    }
}
