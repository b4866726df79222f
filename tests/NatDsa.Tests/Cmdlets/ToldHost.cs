using System.Text;
using NatDsa.Probe;
using NatDsa.Targets;
using NatDsa.Tests.Probe;

namespace NatDsa.Tests.Cmdlets;

/// <summary>A host of the tests' own, with an agent that erases; it counts what it is asked.</summary>
/// <param name="running">The rules that it runs: none, when it is erased.</param>
internal sealed class ToldHost(string running = "") : HostTarget
{
    public const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";

    public override string ComputerName => "nat01";

    internal override string Way => "nowhere";

    /// <summary>What a cmdlet of the module has written of it.</summary>
    public NatIptablesState Record => new()
    {
        ComputerName = ComputerName,
        Origin = this,
        Status = NatStatus.Unknown,
        Reason = "",
        SourceNatRules = [],
        Rulesets = [],
    };

    /// <summary>How often it was asked.</summary>
    public int Runs { get; private set; }

    /// <summary>What it was asked to do, that changes it.</summary>
    public List<string> Changes { get; } = [];

    public int Held { get; private set; }

    public int LetGo { get; private set; }

    internal override IDisposable Hold()
    {
        Held++;
        return new Grip(this);
    }

    internal override Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        Runs++;
        if (script.Privilege == NatDsa.Privilege.HostPrivilege.Change)
            Changes.Add(script.Request);
        string answer = Answer.OfLinux()
            .With("save.iptables", running)
            .WithMarker()
            .With("change", "")
            .With("agent.files", "exists=/opt/ds_agent\nrunning=yes\n")
            .With("agent.rpm", "9.5.3-2754.el6\n")
            .With("service", "systemd=no\nscript.iptables=/etc/rc.d/init.d/iptables\nboot.iptables=yes\n")
            .With("file./etc/sysconfig/iptables", Nat)
            .With(
                "transaction",
                "id=20261124T120000Z-0123abcd\nfolder=/var/lib/natdsa/20261124T120000Z-0123abcd\nstate=done\nwork=no\n")
            .With("journal", "")
            .Text.Replace(Answer.Nonce, script.Values["NONCE"], StringComparison.Ordinal);
        return Task.FromResult(new HostAnswer(Encoding.UTF8.GetBytes(answer), "", 0) { OverKept = Runs > 1 });
    }

    private sealed class Grip(ToldHost host) : IDisposable
    {
        public void Dispose() => host.LetGo++;
    }
}
