using Xunit;

namespace NatDsa.Tests.Host;

public sealed class ScriptFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-").FullName;

    [Fact]
    public async Task A_script_gets_its_arguments_as_text_and_its_switches_as_booleans()
    {
        string script = Write("a.ps1", "param([string] $Name, [switch] $On, [switch] $Off, $Rest) \"$Name|$On|$Off|$Rest|$PSScriptRoot\"");
        ProgramRun run = await ProgramRun.NatDsaAsync("-File", script, "-Name", "$(1+1) x", "-On", "-Off:$false", "-Rest:", "-5");
        Assert.Equal($"$(1+1) x|True|False|-5|{_folder}{Environment.NewLine}", run.Output);
    }

    [Fact]
    public async Task The_word_File_can_be_left_out()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync("-NoProfile", Write("a.ps1", "\"got $args\""), "x", "y");
        Assert.Equal($"got x y{Environment.NewLine}", run.Output);
    }

    [Theory]
    [InlineData("exit 5", 5)]
    [InlineData("'fine'", 0)]
    [InlineData("throw 'boom'", 1)]
    [InlineData("if (", 1)]
    public async Task Ends_with_the_scripts_exit_code(string text, int exitCode) =>
        Assert.Equal(exitCode, (await ProgramRun.NatDsaAsync("-File", Write("a.ps1", text))).ExitCode);

    [Fact]
    public async Task A_script_without_a_suffix_runs_as_on_any_Unix()
    {
        ProgramRun run = await ProgramRun.NatDsaAsync(Write("check", "#!/usr/bin/env natdsa\n'ran'; exit 6"));
        Assert.Equal(new ProgramRun(6, "ran" + Environment.NewLine, ""), run);
    }

    [Fact]
    public async Task An_error_names_the_scripts_line()
    {
        string script = Write("a.ps1", "1\nthrow 'on line two'\n");
        ProgramRun run = await ProgramRun.NatDsaAsync("-File", script);
        Assert.Contains($"{script}:2", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_reads_what_is_piped_in()
    {
        string script = Write("a.ps1", "$input | ForEach-Object { \"<$_>\" }");
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(Repository.Program, ["-File", script]), "a\r\nb\r\n");
        Assert.Equal($"<a>{Environment.NewLine}<b>{Environment.NewLine}", run.Output);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
