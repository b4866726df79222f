using System.Management.Automation;
using System.Text;
using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary><c>ConvertFrom-IptablesRuleset</c> and <c>ConvertTo-IptablesRuleset</c>, as an administrator uses them.</summary>
public sealed class RulesetConversionTests : IDisposable
{
    private const string Save = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j LOG\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";

    private readonly ModuleSession _module = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natdsa-tests-");

    public void Dispose()
    {
        _module.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(Save)]
    [InlineData("*nat\r\n:POSTROUTING ACCEPT [0:0]\r\n-A POSTROUTING  -j  LOG \r\nCOMMIT\r\n")]
    [InlineData("# by hand\n\n*nat\nCOMMIT")]
    [InlineData("*nat\r\nCOMMIT\r\n# the end, without a line feed")]
    [InlineData("\uFEFF*nat\nCOMMIT\n\n\n")]
    public void One_string_comes_back_as_it_was(string text)
    {
        ModuleSession.Answer answer = _module.Run("$input | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset", text);
        Assert.Empty(answer.Errors);
        Assert.Equal(text, answer.Single<string>());
    }

    [Fact]
    public void Lines_are_one_text() =>
        Assert.Equal(Save, _module.Run("$input | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset", [.. Save.TrimEnd().Split('\n')]).Single<string>());

    [Fact]
    public void Whole_texts_that_follow_each_other_are_one_text() =>
        Assert.Equal(Save + Save, _module.Run("$input | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset", Save.TrimEnd(), Save).Single<string>());

    [Fact]
    public void Files_are_a_ruleset_each()
    {
        Write("a[1].v4", Encoding.UTF8.GetBytes(Save));
        Write("b[1].v4", [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Save)]);
        Write("c[1].v4", Encoding.Latin1.GetBytes(Save.Replace("-j LOG", "-m comment --comment \"café\"", StringComparison.Ordinal)));
        ModuleSession.Answer answer = _module.Run($"ConvertFrom-IptablesRuleset -Path '{_folder.FullName}/*.v4' | ConvertTo-IptablesRuleset");
        Assert.Equal([Save, Save, Save.Replace("-j LOG", "-m comment --comment \"café\"", StringComparison.Ordinal)], answer.Output.Select(o => o.ToString()));
        Assert.Equal(Save, _module.Run("ConvertFrom-IptablesRuleset -LiteralPath $input | ConvertTo-IptablesRuleset", Path.Combine(_folder.FullName, "a[1].v4")).Single<string>());
    }

    [Theory]
    [InlineData("$r.Without(($r.Rules | Where-Object Target -EQ LOG))", "-A POSTROUTING -j LOG\n", "")]
    [InlineData("$r.Without(($r.Rules | Where-Object Target -EQ DROP))", "-j LOG", "-j LOG")]
    [InlineData("$r.Without($r.Rules)", "-A POSTROUTING -j LOG\n-A POSTROUTING -o eth0 -j MASQUERADE\n", "")]
    [InlineData("$r.With('nat', '-I POSTROUTING -s 10.0.0.0/8 -j ACCEPT', '-N X')", "[0:0]\n", "[0:0]\n:X - [0:0]\n-A POSTROUTING -s 10.0.0.0/8 -j ACCEPT\n")]
    [InlineData("$r.With($r.Tables[0], '-P POSTROUTING DROP')", "ACCEPT", "DROP")]
    [InlineData("$r.Replace({ param($rule) $rule.Text -replace 'eth0', 'ens5' })", "eth0", "ens5")]
    [InlineData("$x = $r.With('nat', '-N X', '-A POSTROUTING -j X'); $x.WithoutChain(($x.Tables.Chains | Where-Object Name -EQ X))", "eth0", "eth0")]
    public void A_ruleset_is_changed_from_PowerShell(string change, string old, string changed)
    {
        ModuleSession.Answer answer = _module.Run($"$r = $input | ConvertFrom-IptablesRuleset; $({change}) | ConvertTo-IptablesRuleset", Save);
        Assert.Empty(answer.Errors);
        Assert.Equal(Save.Replace(old, changed, StringComparison.Ordinal), answer.Single<string>());
    }

    [Fact]
    public void What_iptables_S_prints_becomes_what_iptables_restore_takes()
    {
        string[] lines = ["-P PREROUTING ACCEPT", "-P INPUT ACCEPT", "-P OUTPUT ACCEPT", "-P POSTROUTING ACCEPT", "-N X", "-A POSTROUTING -o eth0 -j MASQUERADE"];
        Assert.Equal(
            "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:X - [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n",
            _module.Run("$input | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset", [.. lines]).Single<string>());
    }

    [Fact]
    public void The_rulesets_of_a_state_are_written_by_its_property() =>
        Assert.Equal(Save, _module.Run("$input | Get-NatIptablesState | ConvertTo-IptablesRuleset", Save).Single<string>());

    [Fact]
    public void A_broken_line_is_an_error_the_next_line_is_read_and_the_ruleset_is_partial_and_not_written()
    {
        string broken = Save.Replace("-j LOG", "-s 10.0.0.0/99", StringComparison.Ordinal);
        ModuleSession.Answer read = _module.Run("$input | ConvertFrom-IptablesRuleset", broken);
        ErrorRecord error = Assert.Single(read.Errors);
        Assert.StartsWith(ErrorIds.RulesetSyntax, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((3, 19, "10.0.0.0/99"), Assert.IsType<RulesetSyntaxException>(error.Exception) is var e ? (e.Line, e.Column, e.Word) : default);
        Ruleset ruleset = read.Single<Ruleset>();
        Assert.True(ruleset.IsPartial);
        Assert.Equal("MASQUERADE", Assert.Single(ruleset.Rules).Target);

        ModuleSession.Answer written = _module.Run("$input | ConvertTo-IptablesRuleset", ruleset);
        Assert.Empty(written.Output);
        Assert.StartsWith(ErrorIds.RulesetNotWritable, Assert.Single(written.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_of_rules_that_are_written_while_they_are_read_come_at_their_place()
    {
        string broken = Save.Replace("-j LOG\n", "-j LOG\n-A POSTROUTING -s 10.0.0.0/99\n", StringComparison.Ordinal);
        ModuleSession.Answer all = _module.Run("$input | Get-NatIptablesRule", broken);
        Assert.Equal(["LOG", "MASQUERADE"], all.Output.Select(o => ((Rule)o.BaseObject).Target));
        Assert.Single(all.Errors);
        ModuleSession.Answer stopped = _module.Run("try { $input | Get-NatIptablesRule -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }", broken);
        Assert.Equal("LOG", ((Rule)stopped.Output[0].BaseObject).Target);
        Assert.StartsWith(ErrorIds.RulesetSyntax, (string)stopped.Output[1].BaseObject, StringComparison.Ordinal);
        Assert.Equal(2, stopped.Output.Length);
    }

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(_folder.FullName, name), content);
}
