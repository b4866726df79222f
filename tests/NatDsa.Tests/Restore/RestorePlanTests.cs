using System.Text;
using NatDsa.Change;
using NatDsa.Restore;
using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Restore;

/// <summary>Which rules and files a host gets from a backup.</summary>
public sealed class RestorePlanTests
{
    private const string Nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Counted = "# Generated\n*nat\n:POSTROUTING ACCEPT [7:420]\n[3:180] -A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    private const string Filter = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n";
    private const string File = "/etc/sysconfig/iptables";

    [Fact]
    public void What_differs_is_loaded_and_persisted_and_nothing_else()
    {
        NatBackup backup = Backup(Host(Nat, Filter, persisted: Nat));
        RestorePlan plan = Plan(Host("", Filter, persisted: Filter), backup);
        Transaction transaction = plan.ToTransaction();
        Assert.Equal(["CheckRules", "Backup", "LoadRules", "InstallRules"], plan.Steps.Select(s => s.Name));
        Assert.Equal([("iptables", Nat)], transaction.Loads.Select(load => (load.Tool, Text(load.Rules))));
        Assert.Equal([(File, Nat)], transaction.Installs.Select(install => (install.File, Text(install.Content))));
        Assert.True(transaction.SourceNat);
        Assert.NotEmpty(plan.Differences);
    }

    [Fact]
    public void Other_counters_and_comment_lines_are_no_reason_to_do_anything()
    {
        RestorePlan plan = Plan(Host(Counted, Filter, persisted: Counted), Backup(Host(Nat, Filter, persisted: Nat)));
        Assert.Empty(plan.Steps);
        Assert.Equal((ChangeOutcome.NothingToDo, (string?)null), Verdict(new RestoreResult(ChangeEnd.WithoutSteps(plan), plan.Backup, plan.Differences)));
    }

    [Fact]
    public void Rules_that_the_backup_has_none_of_are_taken_away()
    {
        RestorePlan plan = Plan(Host(Nat, Filter), Backup(Host(Nat, "")));
        Assert.Equal([("ip6tables", "")], plan.ToTransaction().Loads.Select(load => (load.Tool, Text(load.Rules))));
    }

    [Fact]
    public void A_file_that_the_backup_does_not_have_stays() =>
        Assert.Empty(Plan(Host(Nat, "", persisted: Filter), Backup(Host(Nat, ""))).ToTransaction().Installs);

    [Fact]
    public void Persisted_rules_are_left_alone_on_request() =>
        Assert.DoesNotContain("InstallRules", Plan(Host("", "", persisted: Filter), Backup(Host(Nat, "", persisted: Nat)), new RestoreOptions(SkipPersisted: true)).Steps.Select(s => s.Name));

    [Theory]
    [InlineData("nat02", "", Nat, ErrorIds.BackupOfAnotherHost)]
    [InlineData("nat01", "owner=dockerd\n", Nat, ErrorIds.ForeignRules)]
    [InlineData("nat01", "", Filter, ErrorIds.NothingToRestore)]
    public void What_may_be_wrong_is_refused_unless_it_is_forced(string hostName, string service, string rules, string errorId)
    {
        NatBackup backup = Backup(Host(rules, ""));
        Answer host = Host("", "", hostName: hostName, service: service);
        RestorePlan refused = Plan(host, backup);
        Assert.Equal((errorId, 0), (refused.Refusal?.ErrorId, refused.Steps.Count));
        RestorePlan forced = Plan(host, backup, new RestoreOptions(Force: true));
        Assert.Equal((null, 3), (forced.Refusal, forced.Steps.Count));
    }

    [Theory]
    [InlineData("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTR", 0)]
    [InlineData("", 1)]
    public void A_host_whose_rules_are_not_known_is_left_alone(string rules, int exitCode) =>
        Assert.Equal(ErrorIds.StateUnknown, RestorePlan.For(Answer.OfLinux().With("save.iptables", rules, exitCode).Snapshot(), Backup(Host(Nat, "")), new RestoreOptions(Force: true)).Refusal?.ErrorId);

    [Fact]
    public void A_back_end_that_the_host_does_not_have_is_named()
    {
        NatBackup backup = Backup(Answer.OfLinux().With("save.iptables-nft", Nat));
        Assert.Equal(ErrorIds.IptablesMissing, Plan(Host("", ""), backup).Refusal?.ErrorId);
    }

    [Fact]
    public void Rules_that_are_still_others_afterwards_are_an_error()
    {
        RestorePlan plan = Plan(Host("", ""), Backup(Host(Nat, "")));
        Assert.Equal((ChangeOutcome.Done, null), Verdict(Result(plan, Nat)));
        Assert.Equal((ChangeOutcome.Incomplete, ErrorIds.RestoreFailed), Verdict(Result(plan, Nat.Replace("eth0", "eth1", StringComparison.Ordinal))));
    }

    private static RestoreResult Result(RestorePlan plan, string after) =>
        new(ChangeEnd.Read(plan, TransactionReport.Read(Host(after, "").With("outcome", "outcome=done\nstep=\nfolder=/var/lib/natdsa/id\n").Snapshot(), Answer.Nonce)), plan.Backup, plan.Differences);

    private static (ChangeOutcome Outcome, string? ErrorId) Verdict(RestoreResult result) => (result.Outcome, result.Fault?.ErrorId);

    private static NatBackup Backup(Answer answer) => NatBackup.Of(answer.Snapshot(), DateTimeOffset.UnixEpoch);

    private static RestorePlan Plan(Answer host, NatBackup backup, RestoreOptions? options = null) => RestorePlan.For(host.Snapshot(), backup, options ?? new RestoreOptions());

    private static Answer Host(string iptables, string ip6tables, string? persisted = null, string hostName = "nat01", string service = "")
    {
        Answer answer = Answer.OfLinux(hostName: hostName).With("save.iptables", iptables).With("save.ip6tables", ip6tables).With("service", service);
        return persisted is null ? answer : answer.With("file." + File, persisted);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
