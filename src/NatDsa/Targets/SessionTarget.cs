using System.Management.Automation;
using System.Management.Automation.Runspaces;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>A host at the other end of an open PowerShell session.</summary>
internal sealed class SessionTarget(PSSession session) : HostTarget
{
    private readonly RunspaceShell _shell = new(session.Runspace, session.ComputerName);

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

        return await _shell.RunAsync(script, limits, cancellation).ConfigureAwait(false);
    }
}
