using System.Management.Automation;
using NatDsa.Targets;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What an administrator's fingers rely on: parameter sets, completion, confirmation.</summary>
public sealed class CmdletShapeTests : IDisposable
{
    private static readonly string[] HostSets = ["Local", "Session", "HostName", "ComputerName", "InputObject"];

    private readonly ModuleSession _module = new();

    public static TheoryData<string> Cmdlets => ["Get-NatIptablesState", "Get-NatIptablesRule", "Compare-NatIptablesState", "Backup-NatIptablesState", "Get-DsaAgentState", "Test-DsaMarkerFile", "Set-DsaMarkerFile", "Remove-DsaMarkerFile", "Repair-DsaNatHost", "Test-NatEgress"];

    public void Dispose() => _module.Dispose();

    [Theory]
    [MemberData(nameof(Cmdlets))]
    public void Every_cmdlet_reaches_hosts_in_the_same_ways(string name)
    {
        var command = _module.Run($"Get-Command {name}").Single<CmdletInfo>();
        Assert.Equal("Local", command.DefaultParameterSet);
        Assert.Empty(HostSets.Except(command.ParameterSets.Select(s => s.Name)));
        Assert.Empty(((string[])["ThrottleLimit", "TimeoutSec", "Sudo", "SudoPassword"]).Except(command.Parameters.Keys));
    }

    [Theory]
    [InlineData("Repair-DsaNatHost", ConfirmImpact.High)]
    [InlineData("Remove-DsaMarkerFile", ConfirmImpact.High)]
    [InlineData("Set-DsaMarkerFile", ConfirmImpact.Medium)]
    [InlineData("Backup-NatIptablesState", ConfirmImpact.Medium)]
    public void What_changes_a_host_can_be_previewed_and_confirmed(string name, ConfirmImpact impact)
    {
        var command = _module.Run($"Get-Command {name}").Single<CmdletInfo>();
        var attribute = (CmdletAttribute)command.ImplementingType.GetCustomAttributes(typeof(CmdletAttribute), false).Single();
        Assert.Equal((true, impact), (attribute.SupportsShouldProcess, attribute.ConfirmImpact));
        Assert.Contains("WhatIf", command.Parameters.Keys);
    }

    [Theory]
    [InlineData("Get-NatIptablesRule -Table n", "nat")]
    [InlineData("Get-NatIptablesRule -Target MASQ", "MASQUERADE")]
    [InlineData("Set-DsaMarkerFile -Marker Use", "UseDsaWithIptables")]
    [InlineData("Get-NatIptablesState -Host", "-HostName")]
    public void Tab_completes(string typed, string word)
    {
        CommandCompletion completion = Assert.IsType<CommandCompletion>(
            _module.Run("$typed = @($input)[0]; [System.Management.Automation.CommandCompletion]::CompleteInput($typed, $typed.Length, $null)", typed).Output.Single().BaseObject);
        Assert.Contains(word, completion.CompletionMatches.Select(m => m.CompletionText));
    }

    [Theory]
    [InlineData("Get-NatIptablesState -HostName nat01 -Path x.txt")]
    [InlineData("Get-NatIptablesState -TimeoutSec 0")]
    [InlineData("Get-NatIptablesState -HostName nat01 -Port 70000")]
    [InlineData("Get-NatIptablesState -HostName ''")]
    [InlineData("Test-NatEgress -Uri ftp://a.example/")]
    [InlineData("Repair-DsaNatHost -VerifyFrom 'not a host' -WhatIf")]
    [InlineData("Repair-DsaNatHost -VerifyUri file:///etc/passwd -WhatIf")]
    [InlineData("Repair-DsaNatHost -RulesPath /no/such/file -WhatIf")]
    public void Parameters_that_make_no_sense_are_refused_before_any_host_is_touched(string command)
    {
        ModuleSession.Answer answer = _module.Run(command);
        Assert.Empty(answer.Output);
        Assert.True(Assert.Single(answer.Errors).Exception is ParameterBindingException or PSArgumentException or HostException or IOException, answer.Errors[0].ToString());
    }

    [Theory]
    [InlineData("Get-DsaAgentState")]
    [InlineData("Test-DsaMarkerFile")]
    [InlineData("Set-DsaMarkerFile -Confirm:0")]
    [InlineData("Repair-DsaNatHost -Confirm:0")]
    [InlineData("Test-NatEgress")]
    public void A_name_by_pipeline_is_a_host(string command)
    {
        ModuleSession.Answer answer = _module.Run($"'127.0.0.1:1', '127.0.0.2:1' | {command} -Credential ([pscredential]::new('nobody', [securestring]::new()))");
        Assert.Empty(answer.Output);
        Assert.Equal(["127.0.0.1:1", "127.0.0.2:1"], answer.Errors.Select(e => (string)e.TargetObject).Order());
        Assert.All(answer.Errors, e => Assert.StartsWith(ErrorIds.TargetUnreachable, e.FullyQualifiedErrorId, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_no_name_is_no_host()
    {
        ErrorRecord error = Assert.Single(_module.Run("[pscustomobject]@{ Name = 'nat01' } | Get-DsaAgentState").Errors);
        Assert.StartsWith(ErrorIds.TargetUnreachable, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("[user@]host[:port]", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_read_from_a_file_names_no_host_to_repair()
    {
        ModuleSession.Answer answer = _module.Run("'*nat', ':POSTROUTING ACCEPT [0:0]', 'COMMIT' | Get-NatIptablesState | Repair-DsaNatHost -Confirm:$false");
        Assert.Empty(answer.Output);
        Assert.StartsWith(ErrorIds.NotAHost, Assert.Single(answer.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

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
