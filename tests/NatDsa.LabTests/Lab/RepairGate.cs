namespace NatDsa.LabTests;

/// <summary>
/// Holds a repair in its middle: <c>service iptables restart</c> on the NAT host waits until the gate is opened. By then the marker is
/// made and saving is held; the rules are not loaded yet.
/// </summary>
public sealed class RepairGate
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly SharedLab _host;

    private RepairGate(SharedLab host) => _host = host;

    /// <summary>Puts the gate there, closed. <see cref="SharedLab.RenewAsync"/> takes it away.</summary>
    public static async Task<RepairGate> CloseAsync(SharedLab host)
    {
        await host.OnNatAsync("""
            rm -rf /run/gate
            mkdir /run/gate
            sed -i '2i if [ "$1" = restart ]; then : >/run/gate/reached; while [ ! -e /run/gate/open ]; do sleep 0.1; done; fi' /etc/rc.d/init.d/iptables
            """);
        return new RepairGate(host);
    }

    /// <summary>Waits until a repair stands in front of it.</summary>
    public Task ReachedAsync() => UntilAsync(_host, "test -e /run/gate/reached");

    /// <summary>Lets the repair go on.</summary>
    public Task OpenAsync() => _host.OnNatAsync(": >/run/gate/open");

    /// <summary>Waits until no repair holds the lock.</summary>
    public static Task FreeAsync(SharedLab host) => UntilAsync(host, "test ! -e /var/lib/natdsa/lock || flock -n /var/lib/natdsa/lock true");

    private static async Task UntilAsync(SharedLab host, string condition)
    {
        using var limit = new CancellationTokenSource(s_limit);
        while (!(await host.Nat.ShellAsync(condition)).Succeeded)
            await Task.Delay(100, limit.Token);
    }
}
