using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace NatDsa.Tests.Host;

public sealed class InterruptTests
{
    [Fact]
    public async Task Control_C_stops_the_pipeline_in_its_own_way()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGINT is a Unix signal.");
        Process program = ProgramRun.Start(
            Repository.Program, ["-Command", "try { 'running'; while ($true) { } } finally { [Console]::WriteLine('cleaned up') }"]);
        Assert.Equal("running", await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        using (Process kill = Process.Start("kill", ["-INT", program.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);

        ProgramRun run = await ProgramRun.OfAsync(program);
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("cleaned up", run.Output, StringComparison.Ordinal);
        Assert.Equal("", run.Error);
    }
}
