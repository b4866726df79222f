using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Xml.Linq;
using Xunit;

namespace NatDsa.Tests.Running;

public sealed class PowerShellFileTests
{
    private static readonly string[] Folders = ["src", "tests", "bench", "samples", "runbooks", "docs"];

    public static TheoryData<string> Scripts => [.. Files("*.ps1").Concat(Files("*.psd1")).Concat(Files("*.psm1"))];

    public static TheoryData<string> Views => [.. Files("*.ps1xml")];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Every_script_parses(string path)
    {
        Parser.ParseFile(Path.Combine(Repository.Root, path), out _, out ParseError[] errors);
        Assert.Empty(errors.Select(e => $"{e.Extent.StartLineNumber}: {e.Message}"));
    }

    [Theory]
    [MemberData(nameof(Views))]
    public void Every_script_in_a_view_parses(string path)
    {
        var document = XDocument.Load(Path.Combine(Repository.Root, path), LoadOptions.SetLineInfo);
        foreach (XElement script in document.Descendants().Where(e => e.Name.LocalName is "ScriptBlock" or "GetScriptBlock" or "SetScriptBlock" or "Script"))
        {
            Parser.ParseInput(script.Value, out _, out ParseError[] errors);
            Assert.Empty(errors.Select(e => $"{script.Value}: {e.Message}"));
        }
    }

    [Fact]
    public void The_laid_modules_manifest_is_valid()
    {
        using Runspace runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
        runspace.Open();
        using var powershell = PowerShell.Create(runspace);
        Collection<PSModuleInfo> modules = [.. powershell.AddCommand("Test-ModuleManifest")
            .AddParameter("Path", Path.Combine(Repository.Module, "NatDsa.psd1"))
            .AddParameter("ErrorAction", ActionPreference.Stop)
            .Invoke<PSModuleInfo>()];
        PSModuleInfo module = Assert.Single(modules);
        Assert.Equal("NatDsa", module.Name);
        Assert.Equal(new Version(7, 4), module.PowerShellVersion);
        Assert.Equal(["Core"], module.CompatiblePSEditions);
        Assert.Empty(powershell.Streams.Warning);
    }

    private static IEnumerable<string> Files(string pattern) => Folders
        .Select(f => Path.Combine(Repository.Root, f)).Where(Directory.Exists)
        .SelectMany(f => Directory.EnumerateFiles(f, pattern, SearchOption.AllDirectories))
        .Concat(Directory.EnumerateFiles(Repository.Root, pattern))
        .Select(f => Path.GetRelativePath(Repository.Root, f))
        .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
}
