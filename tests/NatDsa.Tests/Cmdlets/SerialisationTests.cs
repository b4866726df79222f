using System.Collections;
using System.Management.Automation;
using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Repair;
using NatDsa.Targets;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What leaves the process with an object: never how its host was reached.</summary>
public sealed class SerialisationTests : IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("$record")]
    [InlineData("$record, 1")]
    [InlineData("$record, 2")]
    [InlineData("$record, 3")]
    [InlineData("$record, 8")]
    public void Export_Clixml_and_remoting_have_the_hosts_name_only(string arguments)
    {
        string xml = _module.Run($"$record = @($input)[0]; [System.Management.Automation.PSSerializer]::Serialize({arguments})", Record()).Single<string>();
        Assert.Contains("nat01", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("NatDsa.Targets", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("Origin", xml, StringComparison.Ordinal);
        Assert.Equal("nat01", ((PSObject)PSSerializer.Deserialize(xml)).Properties["Target"].Value);
    }

    [Fact]
    public void What_lists_properties_does_not_see_the_target()
    {
        // Select-Object *, Export-Csv and ConvertTo-Json go by these.
        string[] names = [.. _module.Run("@($input)[0].PSObject.Properties | ForEach-Object Name", Record()).Output.Select(o => (string)o.BaseObject)];
        Assert.Contains("ComputerName", names);
        Assert.DoesNotContain("Target", names);
        Assert.DoesNotContain("Origin", names);
        Assert.DoesNotContain(typeof(RepairResult).GetProperties(), p => p.PropertyType == typeof(HostTarget) || p.PropertyType == typeof(object));
    }

    [Fact]
    public void Scripts_still_find_the_target()
    {
        RepairResult record = Record();
        Assert.Same(record.Origin, _module.Run("@($input)[0].Target", record).Single<HostTarget>());
    }

    private static RepairResult Record()
    {
        var target = new HostNameTarget("nat01", new HostAddress("nat01", null, null), new SshRemoting
        {
            UserName = "secret-user",
            KeyFilePath = "/secret/key",
            Subsystem = "secret-subsystem",
            Options = new Hashtable { ["ProxyJump"] = "secret-bastion" },
        });
        HostSnapshot host = Answer.OfLinux().With("save.iptables", "").Snapshot(target);
        var egress = new NatEgressResult { ComputerName = "nat01", Origin = target, Uri = new Uri("http://example.com/"), Succeeded = true, Reason = "" };
        return new RepairResult(ChangeEnd.WithoutSteps(RepairPlan.For(host, new RepairOptions()))) { Egress = egress };
    }
}
