using Xunit;

namespace NatDsa.Tests.Host;

public sealed class CommandTests
{
    [Fact]
    public async Task Prints_what_the_command_writes()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "1 + 1");
        Assert.Equal(new ProgramRun(0, Lines("2"), ""), run);
    }

    [Fact]
    public async Task Joins_the_rest_of_the_line_as_pwsh_does()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-NoProfile", "-NoLogo", "-c", "'a'", ";", "'b'");
        Assert.Equal(Lines("a", "b"), run.Output);
    }

    [Fact]
    public async Task Has_the_module_imported()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "(Get-Module).Name; (Get-Module).Path");
        Assert.Equal(Lines("NatDsa", Path.Combine(Path.GetDirectoryName(Repository.Program)!, "NatDsa", "NatDsa.dll")), run.Output);
    }

    [Fact]
    public async Task Other_runspaces_find_the_module_by_its_name()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "1 | ForEach-Object -Parallel { Import-Module NatDsa; (Get-Module NatDsa).Name }");
        Assert.Equal(Lines("NatDsa"), run.Output);
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("exit", 0)]
    [InlineData("throw 'boom'", 1)]
    [InlineData("No-SuchCommand", 1)]
    [InlineData("No-SuchCommand; 1", 0)]
    [InlineData("sh -c 'exit 3'", 1)]
    [InlineData("sh -c 'exit 3'; exit $LASTEXITCODE", 3)]
    [InlineData("if (", 1)]
    [InlineData("", 0)]
    public async Task Ends_with_the_exit_code_of_pwsh(string command, int exitCode) =>
        Assert.Equal(exitCode, (await ProgramRun.NatDsaAsync("-Command", command)).ExitCode);

    [Fact]
    public async Task Errors_go_to_standard_error_in_the_concise_view()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "throw '境界'; 1");
        Assert.Equal(new ProgramRun(1, "", Lines("Exception: 境界")), run);
    }

    [Fact]
    public async Task A_syntax_error_says_where_it_is()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "1 +");
        Assert.Equal("", run.Output);
        Assert.Contains("You must provide a value expression following the '+' operator.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Warnings_and_verbose_lines_keep_out_of_the_data()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(
            "-Command", "function f { [CmdletBinding()] param() $PSCmdlet.WriteWarning('w'); $PSCmdlet.WriteVerbose('v'); $PSCmdlet.WriteObject('data') }; f -Verbose");
        Assert.Equal(new ProgramRun(0, Lines("data"), Lines("WARNING: w", "VERBOSE: v")), run);
    }

    [Fact]
    public async Task Progress_is_not_written_to_a_file()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(
            "-Command", "function f { [CmdletBinding()] param() $PSCmdlet.WriteProgress([Management.Automation.ProgressRecord]::new(1, 'a', 'b')) }; f");
        Assert.Equal(new ProgramRun(0, "", ""), run);
    }

    [Fact]
    public async Task A_table_counts_full_width_characters_as_two_columns()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "[pscustomobject]@{ A = '日本'; B = 1 }, [pscustomobject]@{ A = 'abcd'; B = 2 }");
        Assert.Equal(Lines("", "A    B", "-    -", "日本 1", "abcd 2", ""), run.Output);
    }

    [Theory]
    [InlineData("", 120)]
    [InlineData("60", 60)]
    [InlineData("nonsense", 120)]
    public async Task A_file_is_as_wide_as_COLUMNS_or_120(string columns, int width)
    {
        ProgramRun run = await ProgramRun.OfAsync(
            ProgramRun.Start(Repository.Program, ["-Command", "$Host.UI.RawUI.BufferSize.Width"], ("COLUMNS", columns)));
        Assert.Equal(Lines($"{width}"), run.Output);
    }

    [Fact]
    public async Task Colours_are_left_out_of_a_file()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-Command", "$PSStyle.Foreground.Red + 'red' + $PSStyle.Reset; throw 'plain'");
        Assert.DoesNotContain('\u001b', run.Output + run.Error);
        Assert.Equal(Lines("red"), run.Output);
    }

    [Theory]
    [InlineData("Get-NatIptablesState")]
    [InlineData("Get-NatIptablesRule")]
    [InlineData("Get-NatIptablesState | ForEach-Object SourceNatRules")]
    public async Task A_rules_comment_cannot_drive_the_terminal(string command)
    {
        const string rules = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -m comment --comment \"\u001b]0;owned\u0007\u202eder\" -j MASQUERADE\nCOMMIT\n";
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(Repository.Program, ["-Command", "$input | " + command]), rules);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("MASQUERADE", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(run.Output, c => c is '\u202e' || (char.IsControl(c) && c is not ('\r' or '\n')));
    }

    [Fact]
    public async Task A_command_that_reads_input_gets_the_lines_piped_in()
    {
        ProgramRun run = await ProgramRun.OfAsync(
            ProgramRun.Start(Repository.Program, ["-Command", "$input | ForEach-Object { \"<$_>\" }"]), "テーブル: nat\nb\n");
        Assert.Equal(Lines("<テーブル: nat>", "<b>"), run.Output);
    }

    [Fact]
    public async Task Input_that_nobody_reads_hurts_nobody()
    {
        ProgramRun run = await ProgramRun.OfAsync(
            ProgramRun.Start(Repository.Program, ["-Command", "throw 'no'; $input"]), string.Concat(Enumerable.Repeat("line\n", 100_000)));
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public async Task A_dash_reads_the_command_from_standard_input()
    {
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(Repository.Program, ["-Command", "-"]), "if ($true) {\n  'ルール'\n}\nexit 4\n");
        Assert.Equal(new ProgramRun(4, Lines("ルール"), ""), run);
    }

    [Fact]
    public async Task A_question_without_a_terminal_is_an_error_that_says_what_to_do()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(
            "-Command", "function f { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param() if ($PSCmdlet.ShouldProcess('t')) { 'done' } }; f");
        Assert.Equal("", run.Output);
        Assert.Contains("-Confirm:$false", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_mandatory_parameter_without_a_terminal_is_an_error()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-NonInteractive", "-Command", "function f { param([Parameter(Mandatory)] $Name) $Name }; f");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Name", run.Error, StringComparison.Ordinal);
    }

    private static string Lines(params string[] lines) => string.Concat(lines.Select(l => l + Environment.NewLine));
}
