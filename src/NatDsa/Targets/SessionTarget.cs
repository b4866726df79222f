using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using System.Text;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>A host at the other end of an open PowerShell session.</summary>
internal sealed class SessionTarget(PSSession session) : HostTarget
{
    private const int MaxError = 64 << 10;

    private static readonly string s_run = ShellLaunch.Read("run-in-session.ps1");

    // A session runs one pipeline at a time, whoever asks.
    private static readonly ConditionalWeakTable<PSSession, SemaphoreSlim> s_turns = [];

    public override string ComputerName => session.ComputerName;

    internal override string Way => Messages.WaySession.With(session.Name);

    // Its connection is PowerShell's: that another one can be made shows where ssh would connect to.
    internal override async Task<HostTarget?> AnewAsync(CancellationToken cancellation)
    {
        // SSHConnectionInfo, which the PowerShell that this is compiled for does not have.
        PSMemberInfoCollection<PSPropertyInfo> way = PSObject.AsPSObject(session.Runspace.OriginalConnectionInfo).Properties;
        if (way["Subsystem"] is null
            || way["ComputerName"]?.Value is not string host
            || !HostAddress.TryRead(host, out HostAddress named))
            return null;
        var remoting = new SshRemoting { UserName = way["UserName"]?.Value as string, Port = way["Port"]?.Value as int? ?? 0 };
        (string Host, int Port)? server =
            await SshProgram.AddressOfAsync(named, remoting, cancellation).ConfigureAwait(false);
        return server is var (address, port)
            ? new ProvenTarget(this, stop => SshGreeting.AwaitAsync(ComputerName, address, port, stop))
            : null;
    }

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        RunspaceState state = session.Runspace.RunspaceStateInfo.State;
        if (state is not (RunspaceState.Opened or RunspaceState.Opening))
        {
            string command = state == RunspaceState.Disconnected ? "Connect-PSSession" : "New-PSSession";
            throw HostFailures.SessionClosed(ComputerName, $"{session.Id} ({session.Name})", state, command);
        }

        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        SemaphoreSlim turn = s_turns.GetValue(session, static _ => new SemaphoreSlim(1, 1));
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
            throw HostFailures.TimedOut(ComputerName, limits);
        }
    }

    private async Task<HostAnswer> InvokeAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var pipeline = new RemotePipeline(session.Runspace, ComputerName);
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
        catch (HostException e) when (!limits.KillOnStop && e.InnerException is RuntimeException)
        {
            // With any other exception the script was not begun.
            throw HostFailures.ConnectionLost(e);
        }

        if (results is not [{ BaseObject: Hashtable result }])
            throw HostFailures.Connecting(ComputerName, pipeline.FirstError);

        return Value<string>("Ending") switch
        {
            "Done" when Value<byte[]>("Output") is var output && output.Length <= limits.MaxOutput => new HostAnswer(output, Text(Value<byte[]>("Error")), Value<int>("ExitCode")),
            "NotLinux" => throw HostFailures.NotLinux(ComputerName),
            "Done" or "TooMuchOutput" => throw HostFailures.TooMuchOutput(ComputerName, limits.MaxOutput),
            _ => throw HostFailures.TimedOut(ComputerName, limits),
        };

        T Value<T>(string name) => LanguagePrimitives.ConvertTo<T>(result[name]);

        static string Text(byte[] error) => Encoding.UTF8.GetString(error, 0, Math.Min(error.Length, MaxError));
    }
}
