using Xunit;

namespace NatDsa.Tests.Host;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("-NoSuchParameter")]
    [InlineData("-Command")]
    [InlineData("-Command", "-", "more")]
    [InlineData("-File")]
    [InlineData("-File", "no-such-script.ps1")]
    [InlineData("no-such-script.ps1")]
    [InlineData]
    public async Task A_wrong_command_line_ends_with_64_and_the_usage(params string[] arguments)
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(arguments);
        Assert.Equal(64, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains("Usage: natdsa", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Speaks_Japanese_where_the_locale_does()
    {
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(Repository.Program, ["-Help"], ("LC_ALL", "ja_JP.UTF-8")));
        Assert.Contains("使い方: natdsa", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-Version")]
    [InlineData("--version")]
    [InlineData("-v")]
    public async Task Tells_its_own_version_and_the_engines(string parameter)
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(parameter);
        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^NatDsa \d+\.\d+\.\d+ \(PowerShell 7\.6\.\d+\)\r?\n$", run.Output);
    }
}
