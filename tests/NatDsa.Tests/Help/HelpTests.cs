using System.Collections;
using System.Management.Automation;
using System.Reflection;
using System.Text.RegularExpressions;
using NatDsa.Targets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Help;

/// <summary>What Get-Help says of the laid module, asked through natdsa.</summary>
public sealed partial class HelpTests
{
    private const string Ask = """
        $help = foreach ($command in Get-Command -Module NatDsa) {
            $page = Get-Help $command.Name -Full
            [pscustomobject]@{
                Name = $command.Name
                Synopsis = $page.Synopsis
                Description = $page.description.Text
                Examples = @($page.examples.example | ForEach-Object { $_.code })
                Outputs = @($page.returnValues.returnValue | ForEach-Object { $_.type.name })
                OutputTexts = @($page.returnValues.returnValue | ForEach-Object { $_.description.Text -join "`n" })
                Declared = @($command.OutputType | ForEach-Object { $_.Name })
                Links = @($page.relatedLinks.navigationLink | ForEach-Object { $_.linkText })
                Sets = @($page.syntax.syntaxItem).Count
                DeclaredSets = $command.ParameterSets.Count
                Parameters = @(foreach ($p in $page.parameters.parameter) { [pscustomobject]@{
                    Name = $p.name; Text = $p.description.Text; Type = $p.type.name; Default = $p.defaultValue
                    Required = $p.required; Position = $p.position; Pipeline = $p.pipelineInput; Wildcards = $p.globbing } })
                DeclaredParameters = @($command.Parameters.Values | ForEach-Object { $_.Name })
            }
        }
        [System.Management.Automation.PSSerializer]::Serialize(@($help), 6)
        """;

    private static readonly Lazy<Task<PSObject[]>> s_pages = new(AskAsync);

    private static string[] CommonParameters => [.. Cmdlet.CommonParameters];

    [Fact]
    public async Task Every_cmdlet_has_words_examples_outputs_and_links()
    {
        PSObject[] pages = await s_pages.Value;
        Assert.NotEmpty(pages);
        Assert.All(pages, page =>
        {
            // Without a page the engine makes the syntax the synopsis.
            Assert.EndsWith(".", Text(page, "Synopsis"), StringComparison.Ordinal);
            Assert.DoesNotContain("[<CommonParameters>]", Text(page, "Synopsis"), StringComparison.Ordinal);
            Assert.NotEmpty(Text(page, "Description"));
            Assert.True(Texts(page, "Examples").Count >= 2, $"{Text(page, "Name")} has too few examples.");
            Assert.Equal(Texts(page, "Declared"), Texts(page, "Outputs"));
            Assert.NotEmpty(Texts(page, "Links"));
        });
    }

    [Fact]
    public async Task Every_parameter_is_described_and_nothing_else()
    {
        foreach (PSObject page in await s_pages.Value)
        {
            Assert.Equal(
                Texts(page, "DeclaredParameters").Except(CommonParameters).Order(StringComparer.Ordinal),
                Parameters(page).Select(p => Text(p, "Name")).Order(StringComparer.Ordinal));
            Assert.All(Parameters(page), p => Assert.False(string.IsNullOrWhiteSpace(Text(p, "Text")), $"{Text(page, "Name")} -{Text(p, "Name")}"));
            Assert.Equal(page.Properties["DeclaredSets"].Value, page.Properties["Sets"].Value);
        }
    }

    [Theory]
    [InlineData("Repair-DsaNatHost", "TimeoutSec", "Int32", "300", "false", "named", "False", "false")]
    [InlineData("Get-NatIptablesState", "TimeoutSec", "Int32", "60", "false", "named", "False", "false")]
    [InlineData("Get-NatIptablesState", "Path", "String[]", "None", "true", "0", "False", "true")]
    [InlineData("Get-NatIptablesState", "LiteralPath", "String[]", "None", "true", "named", "True (ByPropertyName)", "false")]
    [InlineData("Get-NatIptablesRule", "Table", "String[]", "*", "false", "named", "False", "true")]
    [InlineData("Test-NatEgress", "Uri", "Uri", "http://example.com/", "false", "named", "False", "false")]
    [InlineData("Test-DsaMarkerFile", "Marker", "DsaMarker", "None", "false", "named", "False", "false")]
    [InlineData("Get-DsaAgentState", "Session", "HostSession[]", "None", "true", "named", "True (ByValue)", "false")]
    public async Task A_parameter_is_told_as_the_engine_binds_it(
        string cmdlet, string parameter, string type, string otherwise, string required, string position, string pipeline, string wildcards)
    {
        PSObject page = (await s_pages.Value).Single(p => Text(p, "Name") == cmdlet);
        PSObject told = Parameters(page).Single(p => Text(p, "Name") == parameter);
        Assert.Equal(
            [type, otherwise, required, position, pipeline, wildcards],
            ((string[])["Type", "Default", "Required", "Position", "Pipeline", "Wildcards"]).Select(name => Text(told, name)));
    }

    [Fact]
    public async Task An_output_is_told_by_each_of_its_properties()
    {
        foreach (PSObject page in await s_pages.Value)
        {
            foreach ((string type, string text) in Texts(page, "Outputs").Zip(Texts(page, "OutputTexts")))
            {
                if ((typeof(HostRecord).Assembly.GetType(type) ?? typeof(HostTarget).Assembly.GetType(type)) is { } written)
                    Assert.All(written.GetProperties(), p => Assert.Contains($"{p.Name} (", text, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("C.UTF-8")]
    [InlineData("en_GB.UTF-8")]
    [InlineData("ja_JP.UTF-8")]
    public async Task Help_is_found_whatever_the_language(string locale)
    {
        ProgramRun run = await ProgramRun.PwshAsync(
            "Import-Module NatDsa; (Get-Help Repair-DsaNatHost).Synopsis; "
                + "Get-Help about_NatDsa* | ForEach-Object { $_.Name + ': ' + $_.Synopsis }",
            ("LC_ALL", locale));
        Assert.Equal("", run.Error);
        Assert.Contains("Brings the NAT of a host back", run.Output, StringComparison.Ordinal);
        Assert.Contains("about_NatDsa: Finds and repairs NAT hosts", run.Output, StringComparison.Ordinal);
        Assert.Contains("about_NatDsa_Targets: How the cmdlets reach a host", run.Output, StringComparison.Ordinal);
        Assert.Contains("about_NatDsa_Repair: What Repair-DsaNatHost does", run.Output, StringComparison.Ordinal);
        Assert.Contains("about_NatDsa_Errors: The ids of the module's errors", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task About_errors_and_the_document_tell_every_id_and_no_other()
    {
        string[] ids = [.. typeof(ErrorIds).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetValue(null)!)];
        string[] documented = [.. Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"))).Select(m => m.Groups[1].Value)];
        Assert.Equal(ids.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));

        ProgramRun run = await ProgramRun.PwshAsync("Get-Help about_NatDsa_Errors");
        Assert.All(ids, id => Assert.Contains($"\n    {id} ", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal));
    }

    private static async Task<PSObject[]> AskAsync()
    {
        ProgramRun run = await ProgramRun.PwshAsync(Ask);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return [.. ((IEnumerable)((PSObject)PSSerializer.Deserialize(run.Output)).BaseObject).Cast<PSObject>()];
    }

    private static IEnumerable<PSObject> Parameters(PSObject page) => List(page, "Parameters").Cast<PSObject>();

    private static List<string> Texts(PSObject page, string name) => [.. List(page, name).Cast<object>().Select(AsText)];

    private static string Text(PSObject page, string name) => AsText(page.Properties[name].Value);

    private static IEnumerable List(PSObject page, string name) =>
        page.Properties[name].Value is PSObject { BaseObject: IEnumerable list } ? list : (IEnumerable)page.Properties[name].Value;

    // A text of several paragraphs comes as a list of them.
    private static string AsText(object value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        string text => text,
        IEnumerable list => string.Join('\n', list.Cast<object>().Select(AsText)),
        var other => other?.ToString() ?? "",
    };

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
