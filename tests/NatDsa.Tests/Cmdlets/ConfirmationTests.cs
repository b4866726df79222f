using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What changes a host asks once a host; with -WhatIf it asks nothing and changes nothing.</summary>
public sealed class ConfirmationTests : IDisposable
{
    private const int Yes = 0;
    private const int No = 2;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natdsa-tests-");

    public static TheoryData<string, string> Changes => new()
    {
        { "Set-DsaMarkerFile", ToldHost.Nat },
        { "Remove-DsaMarkerFile", ToldHost.Nat },
        { "Protect-DsaNatHost", ToldHost.Nat },
        { "Protect-DsaNatHost", "" },
        { "Repair-DsaNatHost", "" },
        { "Repair-DsaNatHost -SkipAgentRestart", "" },
        { "Backup-NatIptablesState", ToldHost.Nat },
        { "Backup-NatIptablesState -Destination FOLDER", ToldHost.Nat },
        { "Backup-NatIptablesState -Destination FOLDER -OnHost", ToldHost.Nat },
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_host_is_asked_for_once(string command, string running)
    {
        (AskedPerson person, ToldHost host, _) = Run($"{command} -Confirm", running, Yes);
        Assert.Contains("nat01", Assert.Single(person.Questions), StringComparison.Ordinal);
        Assert.True(host.Changes.Count > 0 || _folder.GetDirectories().Length > 0);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void Who_says_no_has_nothing_changed(string command, string running)
    {
        (AskedPerson person, ToldHost host, _) = Run($"{command} -Confirm", running, No);
        Assert.Single(person.Questions);
        Assert.Empty(host.Changes);
        Assert.Empty(_folder.GetDirectories());
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void WhatIf_asks_nothing_and_changes_nothing(string command, string running)
    {
        (AskedPerson person, ToldHost host, ModuleSession.Answer answer) = Run($"{command} -WhatIf", running, Yes);
        Assert.Empty(person.Questions);
        Assert.Empty(host.Changes);
        Assert.Empty(_folder.GetDirectories());
        Assert.Empty(answer.Errors);
        Assert.Contains("nat01", Assert.Single(person.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void The_question_of_a_protection_tells_of_the_backup_too()
    {
        (AskedPerson person, _, _) = Run("Protect-DsaNatHost -Confirm", ToldHost.Nat, Yes);
        Assert.Contains("/var/lib/natdsa/backups", Assert.Single(person.Questions), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Set-DsaMarkerFile")]
    [InlineData("Remove-DsaMarkerFile")]
    public void A_marker_is_written_with_PassThru_only(string command)
    {
        Assert.Empty(Run($"{command} -Confirm:0", ToldHost.Nat, No).Answer.Output);
        ModuleSession.Answer passed = Run($"{command} -Confirm:0 -PassThru", ToldHost.Nat, No).Answer;
        Assert.Equal("nat01", passed.Single<DsaMarkerFile>().ComputerName);
    }

    private (AskedPerson Person, ToldHost Host, ModuleSession.Answer Answer) Run(
        string command, string running, int choice)
    {
        var person = new AskedPerson(choice);
        var host = new ToldHost(running);
        using var module = new ModuleSession(person);
        string line = command.Replace("FOLDER", $"'{_folder.FullName}'", StringComparison.Ordinal);
        return (person, host, module.Run($"$input | {line}", host.Record));
    }
}
