using System.Management.Automation;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What a cmdlet tells of hosts that fail: errors and progress.</summary>
public sealed class CmdletShapeTests : IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Fact]
    public void A_host_that_refuses_is_one_error_that_names_it()
    {
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -HostName 127.0.0.1 -Port 1 -UserName nobody -TimeoutSec 20; $?");
        Assert.Equal(false, Assert.Single(answer.Output).BaseObject);
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.StartsWith(ErrorIds.TargetUnreachable, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((ErrorCategory.ConnectionError, "127.0.0.1"), (error.CategoryInfo.Category, error.TargetObject));
    }

    [Fact]
    public void Progress_counts_the_hosts_and_comes_to_its_end()
    {
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -ComputerName '127.0.0.1:1', '127.0.0.2:1', 'no host' -UserName nobody -ThrottleLimit 1");
        Assert.Equal(3, answer.Errors.Length);
        ProgressRecord last = answer.Shell.Streams.Progress[^1];
        Assert.Equal((ProgressRecordType.Completed, "Get-NatIptablesState", "0 done, 3 failed, 0 to go"), (last.RecordType, last.Activity, last.StatusDescription));
        Assert.All(answer.Shell.Streams.Progress, p => Assert.InRange(p.PercentComplete, -1, 100));
    }

    [Fact]
    public void One_host_is_no_progress() =>
        Assert.Empty(_module.Run("Get-NatIptablesState -ComputerName '127.0.0.1:1' -UserName nobody").Shell.Streams.Progress);
}
