using System.Diagnostics;
using System.Text;
using Xunit;

namespace NatDsa.Tests.Host;

/// <summary>natdsa on a pseudo-terminal, which util-linux's script(1) makes.</summary>
public sealed class TerminalTests
{
    private const string Red = "\u001b[31m";
    private const string Script = "/usr/bin/script";
    private const string AsksFirst =
        "function f { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] param() if ($PSCmdlet.ShouldProcess('nat01', 'Repair')) { 'repaired ' + 'it' } }; f";

    [Fact]
    public async Task Colours_are_shown()
    {
        string screen = await ShowAsync("$PSStyle.Foreground.Red + 'x'");
        Assert.Contains(Red + "x", screen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("erased.txt", "\u001b[31mErased")]
    [InlineData("working.txt", "\u001b[32mHealthy")]
    public async Task A_status_is_shown_in_its_colour(string sample, string coloured)
    {
        string path = Path.Combine(Repository.Root, "samples", sample);
        Assert.Contains(coloured, await ShowAsync($"Get-NatIptablesState -Path '{path}'"), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', (await ProgramRun.NatDsaAsync("-Command", $"Get-NatIptablesState -Path '{path}'")).Output);
    }

    [Fact]
    public async Task NO_COLOR_is_honoured()
    {
        string screen = await ShowAsync("$PSStyle.Foreground.Red + 'x'", environment: [("NO_COLOR", "1")]);
        Assert.DoesNotContain(Red, screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_terminal_says_how_wide_it_is()
    {
        string screen = await ShowAsync("'width ' + $Host.UI.RawUI.WindowSize.Width", before: "stty cols 77 && ");
        Assert.Contains("width 77", screen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y", true)]
    [InlineData("Yes", true)]
    [InlineData("n", false)]
    [InlineData("what?\r?\ry", true)]
    public async Task A_question_is_asked_and_its_answer_obeyed(string answer, bool done)
    {
        const string Question = "[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [S] Suspend  [?] Help (default is \"Y\"): ";
        string screen = await ShowAsync(AsksFirst, typed: [(Question, answer)]);
        Assert.Equal(done, screen.Contains("repaired it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_missing_parameter_is_asked_for()
    {
        string screen = await ShowAsync(
            "function f { param([Parameter(Mandatory)] [int[]] $Port) 'sum ' + ($Port[0] + $Port[1]) }; f",
            typed: [("Port[0]: ", "20"), ("Port[1]: ", "22"), ("Port[2]: ", "")]);
        Assert.Contains("sum 42", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_not_shown()
    {
        string screen = await ShowAsync(
            "function f { param([Parameter(Mandatory)] [securestring] $SudoPassword) 'length ' + $SudoPassword.Length }; f",
            typed: [("SudoPassword: ", "geheim")]);
        Assert.DoesNotContain("geheim", screen, StringComparison.Ordinal);
        Assert.Contains("******", screen, StringComparison.Ordinal);
        Assert.Contains("length 6", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_arguments_there_is_a_prompt_until_exit()
    {
        string screen = await ShowAsync(null, typed: [("natdsa> ", "if (1) {"), (">> ", "'one' + 'two'"), (">> ", "}"), ("natdsa> ", "exit 9")]);
        Assert.Contains("onetwo", screen, StringComparison.Ordinal);
        Assert.Contains("exit code 9", screen, StringComparison.Ordinal);
    }

    /// <summary>What stands on the screen in the end. Each line is typed once the text before it has been shown.</summary>
    private static async Task<string> ShowAsync(
        string? command, string before = "", (string Name, string Value)[]? environment = null, (string After, string Line)[]? typed = null)
    {
        Assert.SkipUnless(File.Exists(Script), "util-linux's script is not installed.");
        string line = $"{before}{Quote(Repository.Program)}{(command is null ? "" : " -Command " + Quote(command))}; echo exit code $?";
        Process script = ProgramRun.Start(Script, ["-q", "-e", "-c", line, "/dev/null"], environment ?? []);
        var screen = new StringBuilder();
        foreach ((string after, string text) in typed ?? [])
        {
            screen.Append(await ReadUntilAsync(script.StandardOutput, after));
            await script.StandardInput.WriteAsync(text + "\r");
            await script.StandardInput.FlushAsync();
        }

        return screen + (await ProgramRun.OfAsync(script)).Output;
    }

    private static async Task<string> ReadUntilAsync(StreamReader output, string text)
    {
        var read = new StringBuilder();
        var one = new char[1];
        while (!read.ToString().EndsWith(text, StringComparison.Ordinal))
        {
            if (await output.ReadAsync(one) == 0)
                Assert.Fail($"'{text}' was never shown, but: {read}");
            read.Append(one[0]);
        }

        return read.ToString();
    }

    private static string Quote(string word) => $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
