namespace NatDsa.LabTests;

/// <summary>Where a repair can be held.</summary>
public enum RepairMoment
{
    /// <summary>The rules to load are tested, while the backup is made.</summary>
    Check,

    /// <summary>The persisted rules are copied, and compared with their copy.</summary>
    Backup,

    /// <summary>The marker is made, and gets its mode.</summary>
    Marker,

    /// <summary>The marker is made; <c>iptables-restore</c> begins.</summary>
    Rules,

    /// <summary>The marker is made; <c>ufw reload</c> begins.</summary>
    Owner,

    /// <summary>The rules are loaded, and confirmed; the persisted ones are about to take the place of the others.</summary>
    Install,

    /// <summary>The rules are loaded, and confirmed over a new connection; <c>service iptables start</c> begins.</summary>
    Service,

    /// <summary>The rules are loaded; <c>chkconfig iptables on</c> begins.</summary>
    Boot,

    /// <summary>The service starts at boot; <c>/etc/init.d/ds_agent restart</c> begins.</summary>
    Agent,
}

/// <summary>Holds a repair at a moment: a program that it runs on the NAT host waits until the gate is opened.</summary>
public sealed class RepairGate
{
    private readonly SharedLab _host;

    private RepairGate(SharedLab host) => _host = host;

    /// <summary>Puts the gate there, closed. <see cref="SharedLab.RenewAsync"/> takes it away.</summary>
    public static async Task<RepairGate> CloseAsync(SharedLab host, RepairMoment moment)
    {
        var (program, arguments) = moment switch
        {
            RepairMoment.Check => ("/usr/local/sbin/iptables-restore", "--test"),
            RepairMoment.Backup => ("/usr/local/sbin/cmp", "'/etc/sysconfig/iptables '*"),
            RepairMoment.Marker => ("/usr/local/sbin/chmod", "'0644 /etc/use_dsa_with_iptables'"),
            RepairMoment.Rules => ("/usr/local/sbin/iptables-restore", "''"),
            RepairMoment.Owner => ("/usr/local/sbin/ufw", "reload"),
            RepairMoment.Boot => ("/usr/sbin/chkconfig", "'iptables on'"),
            RepairMoment.Agent => ("/etc/init.d/ds_agent", "restart"),
            _ => ("/etc/init.d/iptables", "start"),
        };
        // A program's own file can't hold a gate.
        if (program.StartsWith("/usr/local/", StringComparison.Ordinal))
            await host.OnNatAsync($$"""real=$(PATH=/usr/sbin:/usr/bin command -v {{Path.GetFileName(program)}}); printf '#!/bin/sh\n%s "$@"\n' "$real" >{{program}}; chmod 755 {{program}}""");
        await host.OnNatAsync($$"""
            rm -rf /run/gate
            mkdir /run/gate
            sed -i "2i case \"\$*\" in {{arguments}}) trap ': >/run/gate/left' EXIT; : >/run/gate/reached; while [ ! -e /run/gate/open ]; do sleep 0.1; done ;; esac" {{program}}
            """);
        return new RepairGate(host);
    }

    /// <summary>Waits until a repair stands in front of it.</summary>
    public Task ReachedAsync() => _host.Nat.UntilAsync("test -e /run/gate/reached");

    /// <summary>Opens it, and waits until the program that waited has ended.</summary>
    public async Task OpenAsync()
    {
        await _host.OnNatAsync(": >/run/gate/open");
        await _host.Nat.UntilAsync("test -e /run/gate/left");
    }

    /// <summary>Waits until no repair holds the lock.</summary>
    public static Task FreeAsync(SharedLab host, int seconds = 60) => host.Nat.UntilAsync("test ! -e /var/lib/natdsa/lock || flock -n /var/lib/natdsa/lock true", seconds);
}
