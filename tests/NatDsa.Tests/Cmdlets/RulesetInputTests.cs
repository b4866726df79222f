using System.Management.Automation;
using System.Text;
using NatDsa.Netfilter;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>What <c>Get-NatIptablesState</c> and <c>Get-NatIptablesRule</c> make of files and text, good and bad.</summary>
public sealed class RulesetInputTests : IDisposable
{
    private readonly ModuleSession _module = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natdsa-tests-");

    private static string Samples => Path.Combine(Repository.Root, "samples");

    public void Dispose()
    {
        _module.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("erased.txt", NatStatus.Erased)]
    [InlineData("erased.en.txt", NatStatus.Erased)]
    [InlineData("erased-save.txt", NatStatus.Erased)]
    [InlineData("erased-list.txt", NatStatus.Erased)]
    [InlineData("working.txt", NatStatus.Healthy)]
    [InlineData("working.en.txt", NatStatus.Healthy)]
    [InlineData("working-save.txt", NatStatus.Healthy)]
    [InlineData("working-list.txt", NatStatus.Healthy)]
    public void A_sample_is_judged_alike_from_a_path_a_literal_path_lines_and_one_string(string sample, NatStatus status)
    {
        string path = Path.Combine(Samples, sample);
        string text = File.ReadAllText(path);
        Assert.Equal(status, State("Get-NatIptablesState -Path $input", path).Status);
        Assert.Equal(status, State("Get-NatIptablesState -LiteralPath $input", path).Status);
        Assert.Equal(status, State("$input | Get-NatIptablesState", text).Status);
        Assert.Equal(status, State("$input | Get-NatIptablesState", [.. text.Split('\n')]).Status);
    }

    [Theory]
    [InlineData("utf-8", "\n")]
    [InlineData("utf-8", "\r\n")]
    [InlineData("utf-8-bom", "\r\n")]
    [InlineData("utf-16", "\r\n")]
    public void A_file_from_Windows_is_read_alike(string encoding, string lineEnd)
    {
        string text = File.ReadAllText(Path.Combine(Samples, "working.txt")).ReplaceLineEndings(lineEnd);
        string path = Write("from windows [1].txt", encoding switch
        {
            "utf-8-bom" => [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text)],
            "utf-16" => [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(text)],
            _ => Encoding.UTF8.GetBytes(text),
        });
        NatIptablesState state = State("Get-NatIptablesState -LiteralPath $input", path);
        Assert.Equal((NatStatus.Healthy, 2, path), (state.Status, state.RuleCount, state.Path));
    }

    [Fact]
    public void Wildcards_give_one_object_a_file()
    {
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -Path $input", Path.Combine(Samples, "*.txt"));
        Assert.Equal(Directory.GetFiles(Samples, "*.txt").Order(), answer.Output.Select(o => ((NatIptablesState)o.BaseObject).Path!).Order());
    }

    [Fact]
    public void A_path_is_taken_from_the_current_location()
    {
        ModuleSession.Answer answer = _module.Run("$input | ForEach-Object { $null = $ExecutionContext.SessionState.Path.SetLocation($_) }; Get-NatIptablesState -Path ./erased.txt", Samples);
        Assert.Equal(NatStatus.Erased, answer.Single<NatIptablesState>().Status);
    }

    [Fact]
    public void Text_can_come_from_any_provider() =>
        Assert.Equal(NatStatus.Erased, State("$env:NATDSA_TEST_RULES = $input | ForEach-Object { $_ }; Get-NatIptablesState -Path Env:NATDSA_TEST_RULES", File.ReadAllText(Path.Combine(Samples, "erased-save.txt"))).Status);

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t\n")]
    [InlineData("Hello\nworld\n")]
    [InlineData("sh: iptables-save: command not found\n")]
    [InlineData("{\"a\":[")]
    [InlineData("<html><body>*nat</body></html>")]
    [InlineData("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE")]
    [InlineData("*nat\n")]
    [InlineData("テーブル: nat")]
    public void What_is_no_whole_ruleset_is_unknown_with_one_error_that_says_where(string text)
    {
        string path = Write("bad.txt", Encoding.UTF8.GetBytes(text));
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -Path $input", path);
        Assert.Equal(NatStatus.Unknown, answer.Single<NatIptablesState>().Status);
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.StartsWith(ErrorIds.RulesetSyntax, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((ErrorCategory.ParserError, path), (error.CategoryInfo.Category, error.TargetObject));
        Assert.Matches("Line [123], column [0-9]+", error.ToString());
    }

    [Fact]
    public void Binary_is_unknown_and_its_control_characters_do_not_reach_the_terminal()
    {
        byte[] bytes = new byte[1 << 20];
        new Random(7).NextBytes(bytes);
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -Path $input", Write("binary.bin", bytes));
        NatIptablesState state = answer.Single<NatIptablesState>();
        Assert.Equal(NatStatus.Unknown, state.Status);
        Assert.DoesNotContain(state.Reason, char.IsControl);
        Assert.DoesNotContain(Assert.Single(answer.Errors).ToString(), char.IsControl);
    }

    [Fact]
    public void Every_cut_of_a_dump_is_unknown_and_none_is_erased_or_healthy()
    {
        string dump = File.ReadAllText(Path.Combine(Samples, "working-save.txt"));
        int lastCommit = dump.LastIndexOf("COMMIT", StringComparison.Ordinal);
        object[] cuts = [.. Enumerable.Range(1, lastCommit - 1).Where(n => n % 7 == 0).Select(n => dump[..n])];
        ModuleSession.Answer answer = _module.Run("$input | ForEach-Object { Get-NatIptablesState -Text $_ -ErrorAction SilentlyContinue }", cuts);
        Assert.Equal(cuts.Length, answer.Output.Length);
        // Two tables: cut between them, the text is a whole dump of the first.
        Assert.All(answer.Output, o => Assert.NotEqual(NatStatus.Erased, ((NatIptablesState)o.BaseObject).Status));
    }

    [Fact]
    public void Fifty_megabytes_of_rules_are_read()
    {
        const int rules = 700_000;
        var text = new StringBuilder("*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n");
        for (int i = 0; i < rules; i++)
            text.Append("-A POSTROUTING -s 10.0.0.1/32 -o eth0 -m comment --comment \"one of many rules\" -j MASQUERADE\n");
        text.Append("COMMIT\n");
        string path = Write("large.txt", Encoding.ASCII.GetBytes(text.ToString()));
        Assert.True(new FileInfo(path).Length > 50_000_000);
        NatIptablesState state = State("Get-NatIptablesState -Path $input", path);
        Assert.Equal((NatStatus.Healthy, rules), (state.Status, state.RuleCount));
    }

    [Fact]
    public void Fifty_megabytes_of_something_else_are_refused()
    {
        byte[] bytes = new byte[50_000_000];
        bytes.AsSpan().Fill((byte)'x');
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -Path $input", Write("large.bin", bytes));
        Assert.Equal(NatStatus.Unknown, answer.Single<NatIptablesState>().Status);
        Assert.InRange(Assert.Single(answer.Errors).ToString().Length, 1, 1000);
    }

    [Fact]
    public void A_file_that_is_not_there_is_one_error_and_the_others_are_read()
    {
        ModuleSession.Answer answer = _module.Run($"Get-NatIptablesState -Path '{Samples}/no-such.txt', '{Samples}/erased.txt'");
        Assert.Equal(NatStatus.Erased, answer.Single<NatIptablesState>().Status);
        Assert.StartsWith(ErrorIds.FileUnreadable, Assert.Single(answer.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_file_and_the_error_says_what_to_name_instead()
    {
        ModuleSession.Answer answer = _module.Run("Get-NatIptablesState -Path $input", Samples);
        Assert.Empty(answer.Output);
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.StartsWith(ErrorIds.FileUnreadable, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(Samples + "/*", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_are_filtered_by_table_chain_and_target()
    {
        string save = Path.Combine(Samples, "working-save.txt");
        ModuleSession.Answer all = _module.Run("Get-NatIptablesRule -Path $input", save);
        ModuleSession.Answer some = _module.Run("Get-NatIptablesRule -Path $input -Table NAT -Chain post* -Target MASQ*", save);
        Assert.Empty(some.Errors);
        Rule rule = some.Single<Rule>();
        Assert.Equal(("nat", "POSTROUTING", "MASQUERADE"), (rule.Table, rule.Chain, rule.Target));
        Assert.Contains(rule.ToString(), all.Output.Select(o => o.ToString()));
        Assert.True(all.Output.Length > 1);
    }

    private NatIptablesState State(string script, params object[] input)
    {
        ModuleSession.Answer answer = _module.Run(script, input);
        Assert.Empty(answer.Errors);
        return answer.Single<NatIptablesState>();
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
