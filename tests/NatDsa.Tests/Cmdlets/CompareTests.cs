using System.Management.Automation;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary><c>Compare-NatIptablesState</c> on files and text.</summary>
public sealed class CompareTests : IDisposable
{
    private const string Before = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.0.0/16 -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Now = "*nat\n:POSTROUTING ACCEPT [9:9]\n[1:2] -A POSTROUTING -s 10.0.0.0/16 -o ens5 -j MASQUERADE\nCOMMIT\n";

    private readonly ModuleSession _module = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natdsa-tests-");

    public CompareTests()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "before [1].rules"), Before);
        File.WriteAllText(Path.Combine(_folder.FullName, "now.rules"), Now);
        _module.Run("$null = $ExecutionContext.SessionState.Path.SetLocation(@($input)[0])", _folder.FullName);
    }

    public void Dispose()
    {
        _module.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("Compare-NatIptablesState -Reference 'before*' -Path now.rules")]
    [InlineData("Compare-NatIptablesState -ReferencePath 'before*' -LiteralPath now.rules")]
    [InlineData("Compare-NatIptablesState -Reference (Get-Item 'before*') -Path now.rules")]
    [InlineData("Get-NatIptablesState -Path now.rules | Compare-NatIptablesState -Reference 'before*'")]
    [InlineData("Get-NatIptablesState -Path now.rules | Compare-NatIptablesState -Reference (Get-NatIptablesState -Path 'before*')")]
    [InlineData("(Get-NatIptablesState -Path now.rules | ConvertTo-IptablesRuleset) | Compare-NatIptablesState -Reference (Get-NatIptablesState -Path 'before*').Rulesets")]
    public void Files_states_rulesets_and_text_are_taken_on_both_sides(string command)
    {
        // Get-Item is not among the engine's own commands.
        ModuleSession.Answer answer = _module.Run("function Get-Item($Path) { [System.IO.FileInfo[]][System.IO.Directory]::GetFiles($PWD.Path, $Path) }; " + command);
        Assert.Empty(answer.Errors);
        var difference = answer.Single<RuleDifference>();
        Assert.Equal((RuleDifferenceKind.Changed, "Out", "nat", "POSTROUTING"), (difference.Kind, string.Join(",", difference.ChangedFields), difference.Table, difference.Chain));
    }

    [Fact]
    public void Nothing_different_is_nothing_and_quiet_says_so()
    {
        Assert.Empty(_module.Run("Compare-NatIptablesState -Reference now.rules -Path now.rules").Output);
        Assert.True(_module.Run("Compare-NatIptablesState -Reference now.rules -Path now.rules -Quiet").Single<bool>());
        Assert.False(_module.Run("Compare-NatIptablesState -Reference now.rules -Path 'before*' -Quiet").Single<bool>());
    }

    [Fact]
    public void What_is_broken_is_an_error_and_never_the_same()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "cut.rules"), Now[..^8]);
        ModuleSession.Answer answer = _module.Run("Compare-NatIptablesState -Reference cut.rules -Path cut.rules, now.rules -Quiet");
        Assert.Empty(answer.Output);
        Assert.Equal(2, answer.Errors.Length);
        Assert.All(answer.Errors, error => Assert.StartsWith(ErrorIds.RulesetSyntax, error.FullyQualifiedErrorId, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Compare-NatIptablesState -Path now.rules", ErrorIds.NotComparable)]
    [InlineData("Compare-NatIptablesState -Reference now.rules -Persisted", ErrorIds.NotComparable)]
    [InlineData("Compare-NatIptablesState -Path now.rules -Reference 5", ErrorIds.NotComparable)]
    [InlineData("Compare-NatIptablesState -Path now.rules -Reference gone.rules", ErrorIds.FileUnreadable)]
    public void A_reference_that_is_none_is_refused(string command, string errorId)
    {
        ModuleSession.Answer answer = _module.Run($"try {{ {command} }} catch {{ $_ }}");
        ErrorRecord error = answer.Errors.Length > 0 ? Assert.Single(answer.Errors) : answer.Single<ErrorRecord>();
        Assert.StartsWith(errorId, error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_view_shows_old_and_new_under_each_other()
    {
        string[] lines = (await ShownAsync("Compare-NatIptablesState -Reference 'before*' -Path now.rules")).Split('\n');
        Assert.Contains(lines, line => line.StartsWith("now.rules        Changed", StringComparison.Ordinal) && line.Contains("- -s 10.0.0.0/16 -o eth0 -j MASQUERADE", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.TrimStart().StartsWith("+ -s 10.0.0.0/16 -o ens5 -j MASQUERADE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_hostile_comment_does_not_drive_the_terminal()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "hostile.rules"), Now.Replace("-o ens5", "-o ens5 -m comment --comment \"\u001b[2Jx\u202e\"", StringComparison.Ordinal));
        string shown = await ShownAsync("Compare-NatIptablesState -Reference now.rules -Path hostile.rules");
        Assert.Contains("comment", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[2J", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", shown, StringComparison.Ordinal);
    }

    private async Task<string> ShownAsync(string command)
    {
        ProgramRun run = await ProgramRun.PwshAsync(
            $"Set-Location '{_folder.FullName}'; {PageExample.AtItsWidth(command)}");
        Assert.Equal("", run.Error);
        return run.Output.ReplaceLineEndings("\n");
    }
}
