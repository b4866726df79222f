using Xunit;

namespace NatDsa.LabTests;

/// <summary>The rules that a repair may load: the host's own, or those of a file on this machine; and how they are kept.</summary>
public sealed class PersistedRulesTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string File = "/etc/sysconfig/iptables";
    private const string Config = "/etc/sysconfig/iptables-config";
    private const string WithoutNat = "*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n";

    // This reader takes any option; iptables knows better.
    private const string UnknownToIptables = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE --no-such-option\nCOMMIT\n";

    [Theory]
    [InlineData("rm " + File)]
    [InlineData(": >" + File)]
    [InlineData("echo '-A nonsense' >" + File)]
    [InlineData("head -c 5000 /dev/urandom >" + File)]
    [InlineData("sed -i '/^COMMIT/d' " + File)]
    [InlineData("printf '" + WithoutNat + "' >" + File)]
    [InlineData("rm " + File + "; mkdir " + File)]
    public async Task Without_good_rules_nothing_is_restored_and_nothing_changes(string spoil)
    {
        await host.BreakAsync();
        await host.OnNatAsync(spoil);
        Assert.Equal("NothingToRestore", (await host.RunUnchangedAsync("Repair-DsaNatHost @nat -Confirm:0")).ErrorId);
    }

    [Theory]
    [InlineData("rm " + File)]
    [InlineData(": >" + File)]
    [InlineData("echo '-A nonsense' >" + File)]
    [InlineData("true")]
    public async Task A_file_on_this_machine_restores_what_the_host_has_lost(string spoil)
    {
        await host.BreakAsync();
        await host.OnNatAsync(spoil);
        const string Rules = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.1.0/24 -o eth0 -j MASQUERADE\nCOMMIT\n";
        using var file = new TemporaryFile("\ufeff" + Rules.ReplaceLineEndings("\r\n"));

        var repair = (await host.RunAsync($"Repair-DsaNatHost @nat -RulesPath '{file.Path}' -Confirm:0")).Only<RepairResult>();
        Assert.Equal(ChangeOutcome.Done, repair.Outcome);
        Assert.Equal(Rules, await host.Nat.ReadFileAsync(File));
        Assert.Equal("600 root\n", await host.OnNatAsync($"stat -c '%a %U' {File}"));
        Assert.True((await host.Lab.FetchAsync()).Answered);
        await host.RebootNatAsync();
        Assert.True((await host.Lab.FetchAsync()).Answered);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a ruleset\n")]
    [InlineData("Chain POSTROUTING (policy ACCEPT)\nnum  target     prot opt source               destination\n1    MASQUERADE  all  --  0.0.0.0/0            0.0.0.0/0\n")]
    [InlineData(WithoutNat)]
    public async Task A_bad_file_on_this_machine_changes_nothing(string text)
    {
        await host.BreakAsync();
        using var file = new TemporaryFile(text);
        Assert.Equal("NothingToRestore", (await host.RunUnchangedAsync($"Repair-DsaNatHost @nat -RulesPath '{file.Path}' -Confirm:0")).ErrorId);
        var gone = await host.RunUnchangedAsync($"Repair-DsaNatHost @nat -RulesPath '{file.Path}.gone' -Confirm:0");
        Assert.Equal("FileUnreadable", gone.ErrorId);
        Assert.Contains($"no host was touched: -RulesPath {file.Path}.gone could not be read", gone.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What iptables alone can tell of rules is asked on the host, under the lock; and what it refuses is said.</summary>
    [Theory]
    [InlineData(UnknownToIptables, false, "--no-such-option")]
    [InlineData(UnknownToIptables, true, "--no-such-option")]
    [InlineData("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE --modprobe=/tmp/x\nCOMMIT\n", true, "line 2")]
    public async Task Rules_that_the_host_refuses_change_nothing(string rules, bool sent, string said)
    {
        await host.BreakAsync();
        using var file = new TemporaryFile(rules);
        if (!sent)
            await host.OnNatAsync($"printf '{rules.ReplaceLineEndings("\\n")}' >{File}");
        var before = await host.Nat.SnapshotAsync();

        var answer = await host.RunAsync($"Repair-DsaNatHost @nat {(sent ? $"-RulesPath '{file.Path}' " : "")}-Confirm:0");
        Assert.Equal("NothingToRestore", answer.ErrorId);
        Assert.Contains(said, answer.Errors.Single().ToString(), StringComparison.Ordinal);
        var refused = answer.Despite<RepairResult>();
        Assert.Equal(ChangeOutcome.Refused, refused.Outcome);
        Assert.Equal(ChangeStepStatus.Failed, refused.Steps.Single(step => step.Name == "CheckRules").Status);
        Assert.All(refused.Steps.Where(step => step.Name != "CheckRules"), step => Assert.Equal((ChangeStepStatus.Planned, null), (step.Status, step.Evidence)));
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa");
        Assert.Equal("lock\n", await host.OnNatAsync("ls -A /var/lib/natdsa"));
    }

    [Fact]
    public async Task Rules_that_were_installed_are_taken_back_when_a_later_step_fails()
    {
        await host.BreakAsync();
        await host.OnNatAsync($"rm {File}");
        await host.Lab.SetFaultAsync("restart", "fail");
        var before = await host.Nat.SnapshotAsync();
        using var file = new TemporaryFile("*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n");

        var answer = await host.RunAsync(
            $"Repair-DsaNatHost @nat -RulesPath '{file.Path}' -UndoOnAgentFailure -Confirm:0");
        Assert.Equal("RepairFailed", answer.ErrorId);
        await host.AssertUnchangedSinceAsync(before, answer.ToString(), "/var/lib/natdsa", "module dsa_filter");
    }

    [Theory]
    [InlineData("SAVE_ON_RESTART")]
    [InlineData("SAVE_ON_STOP")]
    public async Task Saving_cannot_destroy_the_good_rules(string setting)
    {
        await host.RenewAsync();
        await host.OnNatAsync($"sed -i 's/^IPTABLES_{setting}=.*/IPTABLES_{setting}=\"yes\"/' {Config}; grep -q '^IPTABLES_{setting}=\"yes\"' {Config}");
        await host.Lab.BreakAsync();
        await host.OnNatAsync($"install -m 600 {LabPaths.Root}/tests/Lab/rules/standard.v4 {File}");
        var rules = await host.Nat.ReadFileAsync(File);
        var config = await host.Nat.ReadFileAsync(Config);

        var repair = (await host.RunAsync("Repair-DsaNatHost @nat -Confirm:0")).Only<RepairResult>();
        Assert.Equal(ChangeOutcome.Done, repair.Outcome);
        Assert.Equal(rules, await host.Nat.ReadFileAsync(File));
        Assert.Equal(config, await host.Nat.ReadFileAsync(Config));
        Assert.True((await host.Lab.FetchAsync()).Answered);
        Assert.Equal(ChangeOutcome.NothingToDo, (await host.RunUnchangedAsync("Repair-DsaNatHost @nat -Confirm:0")).Only<RepairResult>().Outcome);
    }

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string text) => System.IO.File.WriteAllText(Path, text);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => System.IO.File.Delete(Path);
    }
}
