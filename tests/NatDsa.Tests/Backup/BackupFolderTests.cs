using System.Runtime.Versioning;
using NatDsa.Backups;
using Xunit;

namespace NatDsa.Tests.Backup;

/// <summary>Backups in a folder on this machine.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BackupFolderTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Fact]
    public void What_was_written_is_read_again_and_nobody_else_reads_it()
    {
        NatBackup written = Folder.Write(NatBackupTests.Of());
        Assert.Equal((true, false, Path.Combine(_path, "nat01", written.Id)), (written.Added, written.OnHost, written.Path));
        Assert.Equal(["etc_sysconfig_iptables", "iptables-nft.rules", "manifest.json"], Files(written.Path!));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(written.Path!));
        Assert.All(Directory.GetFiles(written.Path!), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        (NatBackup? read, Fault? fault) = BackupFolder.Read(written.Path!);
        Assert.Null(fault);
        Assert.Equal((written.Id, "nat01", 1), (read!.Id, read.ComputerName, read.RuleCount));
        Assert.Empty(RulesetComparison.Of(ComparedRules.Of(read), ComparedRules.Of(written), false).Differences);
    }

    [Fact]
    public void An_unchanged_ruleset_adds_nothing_but_when_it_was_seen()
    {
        NatBackup first = Folder.Write(NatBackupTests.Of());
        string[] before = Files(_path);
        NatBackup second = Folder.Write(NatBackupTests.Of(NatBackupTests.Rules.Replace("[3:4]", "[5:6]", StringComparison.Ordinal), now: 1_700_001_000));
        Assert.Equal((false, first.Path, first.Time), (second.Added, second.Path, second.Time));
        Assert.Equal(before, Files(_path));
        Assert.Equal(1_700_001_000, BackupFolder.Read(first.Path!).Backup!.LastSeen.ToUnixTimeSeconds());
    }

    [Fact]
    public void A_damaged_one_is_written_anew()
    {
        NatBackup first = Folder.Write(NatBackupTests.Of());
        File.AppendAllText(Path.Combine(first.Path!, "iptables-nft.rules"), "x");
        Assert.Equal(ErrorIds.BackupDamaged, BackupFolder.Read(first.Path!).Fault?.ErrorId);
        Assert.True(Folder.Write(NatBackupTests.Of()).Added);
        Assert.NotNull(BackupFolder.Read(first.Path!).Backup);
        Assert.Single(Directory.GetDirectories(Path.Combine(_path, "nat01")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nothing_is_written_through_a_link(bool isHost)
    {
        string elsewhere = Path.Combine(_path, "elsewhere");
        Directory.CreateDirectory(elsewhere);
        NatBackup backup = NatBackupTests.Of();
        string link = isHost ? Path.Combine(_path, "good", "nat01") : Path.Combine(_path, "good", "nat01", backup.Id);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        Directory.CreateSymbolicLink(link, elsewhere);
        Assert.ThrowsAny<IOException>(() => new BackupFolder(Path.Combine(_path, "good")).Write(backup));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.DoesNotContain(Files(_path), file => file.StartsWith('.'));
    }

    [Fact]
    public void A_write_that_fails_leaves_nothing()
    {
        NatBackup backup = NatBackupTests.Of();
        Directory.CreateDirectory(Path.Combine(_path, "nat01"));
        File.WriteAllText(Path.Combine(_path, "nat01", backup.Id), "a file in its place");
        Assert.ThrowsAny<IOException>(() => Folder.Write(backup));
        Assert.Equal([backup.Id], Files(Path.Combine(_path, "nat01")));
    }

    [Fact]
    public async Task Many_who_write_read_and_prune_at_once_do_not_disturb_each_other()
    {
        await Task.WhenAll(Enumerable.Range(0, 64).Select(n => Task.Run(
            () =>
            {
                string rules = NatBackupTests.Rules.Replace("eth0", $"eth{n % 8}", StringComparison.Ordinal);
                NatBackup written = Folder.Write(NatBackupTests.Of(rules, now: 1_700_000_000 + (n / 8)));
                Folder.Prune(written, keep: 8);
                Assert.Null(BackupFolder.Read(written.Path!).Fault);
                Assert.NotNull(BackupFolder.NewestIn(Path.Combine(_path, "nat01")));
            },
            TestContext.Current.CancellationToken)));
        string[] backups = Directory.GetDirectories(Path.Combine(_path, "nat01"));
        Assert.Equal(8, backups.Length);
        Assert.All(backups, backup => Assert.Null(BackupFolder.Read(backup).Fault));
    }

    [Fact]
    public async Task Two_who_prune_at_once_remove_the_same()
    {
        NatBackup[] written = [.. Enumerable.Range(0, 20).Select(n => Folder.Write(NatBackupTests.Of(
            NatBackupTests.Rules.Replace("eth0", $"eth{n}", StringComparison.Ordinal), now: 1_700_000_000 + n)))];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Folder.Prune(written[^1], keep: 2),
            TestContext.Current.CancellationToken)));
        Assert.Equal(
            [.. written.TakeLast(2).Select(b => b.Path!).Order()],
            Directory.GetDirectories(Path.Combine(_path, "nat01")).Order());
    }

    [Fact]
    public void The_oldest_go_and_never_the_newest_good_one()
    {
        NatBackup good = Folder.Write(NatBackupTests.Of(now: 100));
        NatBackup old = Folder.Write(NatBackupTests.Of(NatBackupTests.Rules.Replace("eth0", "eth1", StringComparison.Ordinal), forwarding: "0", now: 200));
        NatBackup newer = Folder.Write(NatBackupTests.Of(NatBackupTests.Rules.Replace("eth0", "eth2", StringComparison.Ordinal), forwarding: "0", now: 300));
        NatBackup newest = Folder.Write(NatBackupTests.Of(NatBackupTests.Rules.Replace("eth0", "eth3", StringComparison.Ordinal), forwarding: "0", now: 400));
        Assert.Equal([newer.Path, old.Path], Folder.Prune(newest, 1).Select(backup => backup.Path));
        Assert.Equal(new[] { good.Id, newest.Id }.Order(), Directory.GetDirectories(Path.Combine(_path, "nat01")).Select(Path.GetFileName).Order());
        Assert.Equal(good.Path, BackupFolder.NewestIn(Path.Combine(_path, "nat01")));
    }

    [Theory]
    [InlineData("nat01", "nat01")]
    [InlineData("NAT01.Example", "nat01.example")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("fe80::1", "fe80%3a%3a1")]
    [InlineData("..", "%2e%2e")]
    [InlineData("../../etc", "%2e.%2f..%2fetc")]
    [InlineData(".hidden", "%2ehidden")]
    [InlineData("a\\b:c*?\"<>|\n", "a%5cb%3ac%2a%3f%22%3c%3e%7c%0a")]
    [InlineData("nul", "%nul")]
    [InlineData("Com1.example", "%com1.example")]
    [InlineData("host.", "host%2e")]
    [InlineData("host ", "host%20")]
    [InlineData("", "%")]
    [InlineData("境", "%e5%a2%83")]
    public void A_hosts_name_is_a_folders_name_on_every_system(string host, string folder) => Assert.Equal(folder, BackupFolder.NameOf(host));

    [Fact]
    public void Long_names_stay_apart_and_short_enough()
    {
        string one = BackupFolder.NameOf(new string(':', 300) + "a"), other = BackupFolder.NameOf(new string(':', 300) + "b");
        Assert.NotEqual(one, other);
        Assert.InRange(one.Length, 1, 255);
    }

    private BackupFolder Folder => new(_path);

    private static string[] Files(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
}
