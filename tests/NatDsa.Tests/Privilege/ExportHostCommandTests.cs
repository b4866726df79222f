using System.Management.Automation;
using NatDsa.Privilege;
using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Privilege;

/// <summary>The file that Export-DsaHostCommand writes.</summary>
public sealed class ExportHostCommandTests : IDisposable
{
    private readonly ModuleSession _module = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;

    private string Program => Path.Combine(_folder, "natdsa-host");

    public void Dispose()
    {
        _module.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void It_takes_the_place_of_the_one_that_runs()
    {
        File.WriteAllText(Program, "older");
        using FileStream running = File.Open(Program, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Assert.Equal(Program, _module.Run($"Export-DsaHostCommand '{Program}'").Single<FileInfo>().FullName);
        Assert.Equal(HostCommand.ToBytes(), File.ReadAllBytes(Program));
        Assert.Equal("older", new StreamReader(running).ReadToEnd());
        Assert.Equal([Program], Directory.GetFiles(_folder));
        if (!OperatingSystem.IsWindows())
            Assert.True(File.GetUnixFileMode(Program).HasFlag(UnixFileMode.UserExecute));
    }

    [Fact]
    public void What_cannot_be_written_is_said_and_nothing_is_left()
    {
        Directory.CreateDirectory(Program);
        ErrorRecord error = Assert.Single(_module.Run($"Export-DsaHostCommand '{Program}'").Errors);
        Assert.StartsWith("FileNotWritten,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }
}
