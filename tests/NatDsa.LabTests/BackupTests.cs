using System.Runtime.Versioning;
using Xunit;

namespace NatDsa.LabTests;

/// <summary>Backups of a host with real rules, on the host and on this machine.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BackupTests(SharedLab host) : IClassFixture<SharedLab>, IDisposable
{
    private const string Backups = "/var/lib/natdsa/backups";
    private const string Backup = "Backup-NatIptablesState @nat";

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task On_the_host_an_unchanged_ruleset_adds_nothing_and_only_root_can_read_it()
    {
        await host.RenewAsync();
        var before = await host.Nat.SnapshotAsync();
        var first = (await host.RunAsync(Backup)).Only<NatBackup>();
        Assert.Equal((true, true, $"{Backups}/{first.Id}", NatStatus.Healthy), (first.Added, first.OnHost, first.Path, first.Status));
        await host.AssertUnchangedSinceAsync(before, "", "/var/lib/natdsa");
        Assert.Equal("700 700\n", await host.OnNatAsync($"echo $(stat -c %a {Backups} {first.Path})"));
        Assert.Equal("600\n", await host.OnNatAsync($"find {Backups} -type f | xargs stat -c %a | sort -u"));

        string files = await host.OnNatAsync($"cd {Backups}; find . | sort; sha256sum */*.rules");
        await host.OnNatAsync("ping -c 1 -W 1 203.0.113.10; sleep 1");
        var second = (await host.RunAsync(Backup)).Only<NatBackup>();
        Assert.Equal((false, first.Id, first.Time), (second.Added, second.Id, second.Time));
        Assert.Equal(first.Files.Select(file => file.Sha256), second.Files.Select(file => file.Sha256));
        Assert.Equal(files, await host.OnNatAsync($"cd {Backups}; find . | sort; sha256sum */*.rules"));
        Assert.NotEqual(first.LastSeen, second.LastSeen);

        await host.OnNatAsync("iptables -A INPUT -s 192.0.2.0/24 -j DROP");
        Assert.True((await host.RunAsync(Backup)).Only<NatBackup>().Added);
        Assert.Equal("2\n", await host.OnNatAsync($"ls {Backups} | wc -l"));
    }

    [Fact]
    public async Task The_manifest_on_the_host_is_what_this_machine_reads()
    {
        await host.RenewAsync();
        var backup = (await host.RunAsync(Backup + " -Destination '" + _folder + "' -OnHost")).Output.Select(o => (NatBackup)o.BaseObject).ToArray();
        Assert.Equal([false, true], backup.Select(b => b.OnHost));
        string listed = await host.OnNatAsync($"cd {backup[1].Path}; sed -n 's/^file=\\([^ ]*\\) \\([0-9a-f]*\\) .*/\\2  \\1/p' manifest | sha256sum -c --quiet && cat manifest");
        Assert.Contains($"id={backup[0].Id}\nhost=nat01\nstatus=Healthy\nforwarding=1\n", listed, StringComparison.Ordinal);
        // Both places hold the same bytes.
        foreach (NatBackupFile file in backup[1].Files)
            Assert.Equal(await host.Nat.ReadFileAsync($"{backup[1].Path}/{file.Name}"), await File.ReadAllTextAsync(Path.Combine(backup[0].Path!, file.Name), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_backup_here_is_what_an_erased_host_is_compared_with_and_takes_nothing_on_the_host()
    {
        await host.RenewAsync();
        var answer = await host.RunUnchangedAsync($"{Backup} -Destination '{_folder}'");
        Assert.True(answer.Only<NatBackup>().Added);
        Assert.False((await host.RunUnchangedAsync($"{Backup} -Destination '{_folder}'")).Only<NatBackup>().Added);
        Assert.True((await host.RunUnchangedAsync($"Compare-NatIptablesState @nat -Reference '{_folder}' -Quiet")).Only<bool>());

        await host.BreakAsync();
        Assert.Equal("BackupRefused", (await host.RunUnchangedAsync($"{Backup} -Destination '{_folder}'")).ErrorId);
        var lost = await host.RunUnchangedAsync($"Compare-NatIptablesState @nat -Reference '{_folder}'");
        Assert.Contains(
            lost.Output,
            o => o.BaseObject is RuleDifference { Kind: RuleDifferenceKind.Removed, ExpectedRule.IsSourceNat: true });
        var forced = (await host.RunAsync($"{Backup} -Destination '{_folder}' -Force")).Only<NatBackup>();
        Assert.Equal((NatStatus.Erased, false), (forced.Status, forced.IsGood));
        // The newest good one is still the reference.
        Assert.False((await host.RunUnchangedAsync($"Compare-NatIptablesState @nat -Reference '{_folder}' -Quiet")).Only<bool>());
    }

    [Fact]
    public async Task The_oldest_on_the_host_go_and_never_the_newest_good_one()
    {
        await host.RenewAsync();
        var good = (await host.RunAsync(Backup)).Only<NatBackup>();
        await host.OnNatAsync("iptables -t nat -F");
        List<string> ids = [];
        foreach (int i in Enumerable.Range(1, 3))
        {
            await host.OnNatAsync($"sleep 1; iptables -A INPUT -s 192.0.2.{i} -j DROP");
            ids.Add((await host.RunAsync(Backup + " -Keep 2")).Only<NatBackup>().Id);
        }

        Assert.Equal(new[] { good.Id, ids[1], ids[2] }.Order(), (await host.OnNatAsync($"ls {Backups}")).Trim().Split('\n').Order());
    }

    [Theory]
    [InlineData("/var/lib/natdsa")]
    [InlineData(Backups)]
    [InlineData(Backups + "/.lock")]
    public async Task A_link_in_the_way_is_refused(string link)
    {
        await host.RenewAsync();
        await host.OnNatAsync($"rm -rf /srv/elsewhere; mkdir -p /srv/elsewhere {Backups}; chmod 700 /var/lib/natdsa {Backups}; rm -rf {link}; ln -s /srv/elsewhere {link}");
        var before = await host.Nat.SnapshotAsync();
        var answer = await host.RunAsync(Backup);
        Assert.Equal("BackupFailed", answer.ErrorId);
        await host.AssertUnchangedSinceAsync(before, answer.ToString());
        Assert.Equal("", await host.OnNatAsync("ls -A /srv/elsewhere"));
        await host.OnNatAsync($"rm {link}");
        Assert.True((await host.RunAsync(Backup)).Only<NatBackup>().Added);
    }

    [Fact]
    public async Task A_damaged_one_and_a_link_in_its_place_are_written_anew()
    {
        await host.RenewAsync();
        var first = (await host.RunAsync(Backup)).Only<NatBackup>();
        await host.OnNatAsync($"echo x >>{first.Path}/iptables-nft.rules");
        Assert.True((await host.RunAsync(Backup)).Only<NatBackup>().Added);
        await host.OnNatAsync($"mkdir -p /srv/elsewhere; cp -a {first.Path}/. /srv/elsewhere; rm -r {first.Path}; ln -s /srv/elsewhere {first.Path}");
        Assert.True((await host.RunAsync(Backup)).Only<NatBackup>().Added);
        Assert.Equal("directory\n", await host.OnNatAsync($"stat -c %F {first.Path}"));
        Assert.NotEqual("", await host.OnNatAsync("ls -A /srv/elsewhere"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_full_disk_leaves_no_half_of_it(int pages)
    {
        await host.RenewAsync();
        await host.OnNatAsync($"mkdir -p {Backups}; chmod 700 /var/lib/natdsa {Backups}; mount -t tmpfs -o mode=700,nr_blocks={pages} natdsa-small {Backups}");
        try
        {
            var answer = await host.RunAsync(Backup);
            Assert.Equal("BackupFailed", answer.ErrorId);
            Assert.Equal("", await host.OnNatAsync($"find {Backups} -mindepth 1 ! -name .lock"));
        }
        finally
        {
            await host.OnNatAsync($"umount {Backups}");
        }

        Assert.True((await host.RunAsync(Backup)).Only<NatBackup>().Added);
    }

    [Fact]
    public async Task What_a_killed_backup_left_is_taken_away()
    {
        await host.RenewAsync();
        await host.OnNatAsync($"mkdir -p {Backups}/.new-0123456789abcdef; echo half >{Backups}/.new-0123456789abcdef/iptables-nft.rules");
        var backup = (await host.RunAsync(Backup)).Only<NatBackup>();
        Assert.Equal($"{backup.Id}\n", await host.OnNatAsync($"ls -A {Backups} | grep -v '^.lock$'"));
    }

    [Fact]
    public async Task Without_root_it_says_so_and_whatif_writes_nothing()
    {
        await host.RenewAsync();
        Assert.Equal("PermissionDenied", (await host.RunUnchangedAsync("Backup-NatIptablesState @operator")).ErrorId);
        Assert.Empty((await host.RunUnchangedAsync($"{Backup} -OnHost -Destination '{_folder}' -WhatIf")).Output);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Assert.True((await host.RunAsync("Backup-NatIptablesState @operator -SudoPassword $password")).Only<NatBackup>().Added);
    }

    [Fact]
    public async Task Comments_in_any_bytes_come_back_as_they_were()
    {
        await host.RenewAsync();
        await host.OnNatAsync("iptables -A INPUT -m comment --comment \"$(printf 'caf\\351 $(reboot) `id`')\" -j ACCEPT; export LC_ALL=C; iptables-save | sed -e '/^#/d' -e 's/\\[[0-9:]*\\]//' | sha256sum >/run/before");
        var backup = (await host.RunAsync(Backup)).Only<NatBackup>();
        await host.OnNatAsync($"export LC_ALL=C; sed -e '/^#/d' -e 's/^\\[[0-9:]*\\] //' -e 's/\\[[0-9:]*\\]//' {backup.Path}/iptables-nft.rules | sha256sum | cmp - /run/before");
    }
}
