using System.Management.Automation;
using System.Management.Automation.Language;
using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Help;

/// <summary>The commands that the pages show.</summary>
public sealed class PageExampleTests
{
    // Posh-SSH's, and what is no PowerShell at all.
    private static readonly string[] s_commandsOfOthers = ["New-SSHSession", "ssh"];

    public static TheoryData<int, string> WithoutAHost()
    {
        var examples = new TheoryData<int, string>();
        foreach ((int index, PageExample example) in PageExample.ReadAll(Repository.Root).Index())
        {
            if (example is { Output: not null, State: "" } && example.Command.Contains("samples/", StringComparison.Ordinal))
                examples.Add(index, example.Command);
        }

        return examples;
    }

    [Fact]
    public void Every_command_parses_and_names_parameters_that_exist()
    {
        using var module = new ModuleSession();
        foreach (PageExample example in PageExample.ReadAll(Repository.Root))
        {
            Ast script = Parser.ParseInput(example.Command, out _, out ParseError[] errors);
            Assert.True(errors.Length == 0, $"{example.Page}: {example.Command}");
            foreach (CommandAst command in script.FindAll(static a => a is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>())
            {
                string name = command.GetCommandName();
                if (s_commandsOfOthers.Contains(name))
                    continue;
                var known = module.Run($"Get-Command {name}").Single<CommandInfo>();
                foreach (CommandParameterAst parameter in command.CommandElements.OfType<CommandParameterAst>())
                    Assert.True(known.Parameters.ContainsKey(parameter.ParameterName), $"{example.Page}: {name} has no parameter -{parameter.ParameterName}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(WithoutAHost))]
    public async Task An_example_on_the_samples_prints_what_its_page_says(int index, string command)
    {
        PageExample example = PageExample.ReadAll(Repository.Root).ElementAt(index);
        ProgramRun run = await ProgramRun.PwshAsync(
            $"Set-Location '{Repository.Root}'; {PageExample.AtItsWidth(command)}");
        Assert.Equal("", run.Error);
        Assert.Equal(PageExample.Normalise(example.Output!), PageExample.Normalise(run.Output));
    }
}
