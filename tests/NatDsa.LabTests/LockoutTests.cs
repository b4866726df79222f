using Xunit;

namespace NatDsa.LabTests;

/// <summary>Rules that let nobody log in are really loaded, and the host really comes back.</summary>
public sealed class LockoutTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";

    // What is open stays open; and: nothing gets in at all.
    private const string NoNewConnection = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    private const string Nothing = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";

    [Theory]
    [InlineData("@natPlain", NoNewConnection)]
    [InlineData("@natPlain", Nothing)]
    [InlineData("@natSsh", NoNewConnection)]
    [InlineData("@nat", NoNewConnection)]
    public async Task Rules_that_lock_out_are_taken_back(string target, string filter)
    {
        await host.BreakAsync();
        var before = await host.Nat.SnapshotAsync();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, filter + Nat, TestContext.Current.CancellationToken);

        var answer = await host.RunAsync($"Repair-DsaNatHost {target} -RulesPath '{file}' -RollbackSec 5 -Confirm:0");
        File.Delete(file);
        Assert.Equal("RolledBack", answer.ErrorId);
        var repair = answer.Despite<RepairResult>();
        Assert.Equal((ChangeOutcome.RolledBack, NatStatus.Erased), (repair.Outcome, repair.After));
        Assert.Equal(ChangeStepStatus.Undone, repair.Steps.Single(s => s.Name == "LoadRules").Status);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa");

        // It has been told: the next one repairs.
        Assert.Equal(ChangeOutcome.Done, (await host.RunAsync("Repair-DsaNatHost @natPlain -Confirm:0")).Only<RepairResult>().Outcome);
    }
}
