using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Help;

/// <summary>What breaks the build: pages that do not fit the module.</summary>
public sealed class HelpToolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-help-").FullName;

    public HelpToolTests() => Copy(Path.Combine(Repository.Root, "docs"), Path.Combine(_folder, "docs"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Pages_that_fit_become_help_and_nothing_of_an_older_run_stays()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "out"));
        File.WriteAllText(Path.Combine(_folder, "out", "about_Old.help.txt"), "old");
        Assert.Equal(new ProgramRun(0, "", ""), await MakeAsync());
        Assert.Equal(
            Directory.EnumerateFiles(Path.Combine(_folder, "docs", "en-US"), "about_*.md").Select(f => Path.GetFileNameWithoutExtension(f) + ".help.txt").Append("NatDsa.dll-Help.xml").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Path.Combine(_folder, "out")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_cmdlet_without_a_page()
    {
        File.Delete(Page("Get-DsaAgentState.md"));
        await RefusesAsync("Get-DsaAgentState.md", 1, "this page is missing");
    }

    [Fact]
    public async Task A_page_without_a_cmdlet()
    {
        File.Copy(Page("Get-DsaAgentState.md"), Page("Get-DsaNothing.md"));
        await RefusesAsync("Get-DsaNothing.md", 1, "the module has no cmdlet Get-DsaNothing");
    }

    [Theory]
    [InlineData("Test-NatEgress.md", "### -Quiet\n", "", "## Parameters", "Test-NatEgress has a parameter -Quiet that is not described")]
    [InlineData("Test-NatEgress.md", "### -Quiet", "### -Silent", "### -Silent", "Test-NatEgress has no parameter -Silent")]
    [InlineData("parameters/hosts.md", "### -Sudo\n", "### -Su\n", "### -Su", "Test-NatEgress has no parameter -Su")]
    [InlineData("Test-NatEgress.md", "### System.Boolean", "### System.String", "## Outputs", "add '### System.Boolean'")]
    [InlineData("Test-NatEgress.md", "```powershell", "```text", "### Does the internet answer?", "an example shows a command")]
    [InlineData("Test-NatEgress.md", "## Description", "## Remarks", "## Remarks", "no section 'Remarks'")]
    [InlineData("Test-NatEgress.md", "(about_NatDsa.md)", "(about_Nothing.md)", "- [about_NatDsa](about_Nothing.md)", "there is no page about_Nothing.md")]
    [InlineData("about_NatDsa_Errors.md", "(../errors.md)", "(../mistakes.md)", "[Errors](../mistakes.md)", "there is no page ../mistakes.md")]
    [InlineData("about_NatDsa.md", "# about_NatDsa\n", "# About\n", "# About", "the title should be the topic's name, about_NatDsa")]
    public async Task A_page_that_does_not_fit(string page, string old, string changed, string line, string message)
    {
        string text = File.ReadAllText(Page(page));
        Assert.Contains(old, text, StringComparison.Ordinal);
        text = text.Replace(old, changed, StringComparison.Ordinal);
        File.WriteAllText(Page(page), text);
        await RefusesAsync(page, Array.IndexOf(text.Split('\n'), line) + 1, message);
    }

    private async Task RefusesAsync(string page, int line, string message)
    {
        ProgramRun run = await MakeAsync();
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(
            run.Error.ReplaceLineEndings("\n").Split('\n'),
            flaw => flaw.StartsWith($"{Page(page)}({line},1): error HELP: ", StringComparison.Ordinal) && flaw.Contains(message, StringComparison.Ordinal));
        Assert.False(Directory.Exists(Path.Combine(_folder, "out")));
    }

    private Task<ProgramRun> MakeAsync() =>
        ProgramRun.OfAsync(ProgramRun.Start(
            Repository.HelpTool, [Path.Combine(Repository.ModuleBuild, "NatDsa.dll"), Path.Combine(_folder, "docs", "en-US"), Path.Combine(_folder, "out")]));

    private string Page(string name) => Path.GetFullPath(Path.Combine(_folder, "docs", "en-US", name));

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*.md", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
