using System.Text;
using NatDsa.Probe;
using NatDsa.Targets;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>How often a cmdlet goes to a host: once to ask, and once more for a change that is over at once.</summary>
public sealed class RoundTripTests : IDisposable
{
    private const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";

    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("Get-NatIptablesState", 1)]
    [InlineData("Get-NatIptablesRule", 1)]
    [InlineData("Get-DsaAgentState", 1)]
    [InlineData("Test-DsaMarkerFile", 1)]
    [InlineData("Set-DsaMarkerFile", 1)]
    [InlineData("Remove-DsaMarkerFile -Confirm:0", 1)]
    [InlineData("Test-NatEgress", 1)]
    [InlineData("Repair-DsaNatHost -WhatIf", 1)]
    [InlineData("Repair-DsaNatHost -Confirm:0", 2)]
    public void A_question_is_one_round_trip_and_a_repair_two(string command, int runs)
    {
        var host = new ErasedHost();
        var state = new NatIptablesState { ComputerName = "nat01", Origin = host, Status = NatStatus.Unknown, Reason = "", SourceNatRules = [], Rulesets = [] };
        _module.Run($"$input | {command}", state);
        Assert.Equal(runs, host.Runs);
        Assert.Equal(host.Held, host.LetGo);
        Assert.True(host.Held > 0);
    }

    /// <summary>Answers every script as a host does whose rules the agent has erased.</summary>
    private sealed class ErasedHost : HostTarget
    {
        public override string ComputerName => "nat01";

        public int Runs { get; private set; }

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
            string answer = Answer.OfLinux()
                .With("save.iptables", "")
                .WithMarker()
                .With("agent.files", "exists=/opt/ds_agent\nrunning=yes\n")
                .With("agent.rpm", "9.5.3-2754.el6\n")
                .With("service", "systemd=no\nscript.iptables=/etc/rc.d/init.d/iptables\nboot.iptables=yes\n")
                .With("file./etc/sysconfig/iptables", Nat)
                .With("transaction", "id=20261124T120000Z-0123abcd\nfolder=/var/lib/natdsa/20261124T120000Z-0123abcd\nstate=done\nwork=no\n")
                .With("journal", "")
                .Text.Replace(Answer.Nonce, script.Values["NONCE"], StringComparison.Ordinal);
            return Task.FromResult(new HostAnswer(Encoding.UTF8.GetBytes(answer), "", 0));
        }

        private sealed class Grip(ErasedHost host) : IDisposable
        {
            public void Dispose() => host.LetGo++;
        }
    }
}
