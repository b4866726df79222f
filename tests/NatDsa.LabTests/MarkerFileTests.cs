using Xunit;

namespace NatDsa.LabTests;

/// <summary>The marker cmdlets, on whatever is found in the marker's place.</summary>
public sealed class MarkerFileTests(SharedLab host) : IClassFixture<SharedLab>
{
    private const string Path = "/etc/use_dsa_with_iptables";

    [Fact]
    public async Task Set_creates_it_once_and_Remove_takes_it_away_once()
    {
        await host.RenewAsync();
        var created = (await host.RunAsync("Set-DsaMarkerFile -PassThru @nat")).Only<DsaMarkerFile>();
        Assert.Equal((Path, FileKind.RegularFile, "root", "root", "644", 0L), (created.Path, created.Kind, created.Owner, created.Group, created.Mode, created.Length));
        Assert.True(created.Sufficient);
        Assert.NotNull(created.LastWriteTime);

        var again = (await host.RunUnchangedAsync("Set-DsaMarkerFile -PassThru @nat")).Only<DsaMarkerFile>();
        Assert.Equal(created.LastWriteTime, again.LastWriteTime);

        var removed = (await host.RunAsync("Remove-DsaMarkerFile -PassThru @nat -Confirm:0")).Only<DsaMarkerFile>();
        Assert.Equal((FileKind.None, false), (removed.Kind, removed.Sufficient));
        Assert.Equal("gone\n", await host.OnNatAsync($"test -e {Path} || echo gone"));
        Assert.False((await host.RunUnchangedAsync(
            "Remove-DsaMarkerFile -PassThru @nat -Confirm:0")).Only<DsaMarkerFile>().Present);
    }

    [Fact]
    public async Task Somebody_elses_marker_is_left_as_it_is()
    {
        await host.RenewAsync();
        await host.OnNatAsync($"echo 'do not touch' >{Path}; chown operator {Path}; chmod 600 {Path}");
        var marker = (await host.RunUnchangedAsync("Set-DsaMarkerFile -PassThru @nat")).Only<DsaMarkerFile>();
        Assert.Equal(("operator", "600", 13L, true), (marker.Owner, marker.Mode, marker.Length, marker.Sufficient));
    }

    [Fact]
    public async Task The_marker_of_newer_agents_is_the_other_file()
    {
        await host.RenewAsync();
        var marker = (await host.RunAsync(
            "Set-DsaMarkerFile -PassThru @nat -Marker DoNotOpenPortsOnIptables")).Only<DsaMarkerFile>();
        Assert.Equal("/etc/do_not_open_ports_on_iptables", marker.Path);
        await host.OnNatAsync($"test -f /etc/do_not_open_ports_on_iptables && test ! -e {Path}");
        (await host.RunAsync(
            "Remove-DsaMarkerFile -PassThru @nat -Marker DoNotOpenPortsOnIptables -Confirm:0")).Only<DsaMarkerFile>();
        await host.OnNatAsync("test ! -e /etc/do_not_open_ports_on_iptables");
    }

    [Theory]
    [InlineData("mkdir " + Path, FileKind.Directory)]
    [InlineData("ln -s /nowhere " + Path, FileKind.SymbolicLink)]
    [InlineData("mkfifo " + Path, FileKind.Other)]
    public async Task What_is_no_regular_file_is_told_and_left_alone(string make, FileKind kind)
    {
        await host.BreakAsync();
        await host.OnNatAsync(make);

        var found = (await host.RunUnchangedAsync("Test-DsaMarkerFile @nat -Marker UseDsaWithIptables")).Only<DsaMarkerFile>();
        Assert.Equal((kind, true, false), (found.Kind, found.Present, found.Sufficient));
        Assert.Equal(kind == FileKind.SymbolicLink ? "/nowhere" : null, found.LinkTarget);
        Assert.Equal("MarkerUnusable", (await host.RunUnchangedAsync("Set-DsaMarkerFile @nat")).ErrorId);
        Assert.Equal("MarkerUnusable", (await host.RunUnchangedAsync("Repair-DsaNatHost @nat -Confirm:0")).ErrorId);
    }

    [Fact]
    public async Task A_link_to_a_regular_file_serves_the_agent()
    {
        await host.RenewAsync();
        await host.OnNatAsync($"ln -s /etc/hostname {Path}");
        var marker = (await host.RunUnchangedAsync("Set-DsaMarkerFile -PassThru @nat")).Only<DsaMarkerFile>();
        Assert.Equal((FileKind.SymbolicLink, "/etc/hostname", true), (marker.Kind, marker.LinkTarget, marker.Sufficient));

        // The link goes, not what it leads to.
        (await host.RunAsync("Remove-DsaMarkerFile -PassThru @nat -Confirm:0")).Only<DsaMarkerFile>();
        await host.OnNatAsync($"test ! -e {Path} && test -s /etc/hostname");
    }

    [Fact]
    public async Task Remove_takes_a_dangling_link_away_but_no_directory()
    {
        await host.RenewAsync();
        await host.OnNatAsync($"mkdir {Path}");
        Assert.Equal("MarkerUnusable", (await host.RunUnchangedAsync("Remove-DsaMarkerFile @nat -Confirm:0")).ErrorId);
        await host.OnNatAsync($"rmdir {Path}; ln -s /nowhere {Path}");
        Assert.False((await host.RunAsync(
            "Remove-DsaMarkerFile -PassThru @nat -Confirm:0")).Only<DsaMarkerFile>().Present);
    }

    [Fact]
    public async Task WhatIf_changes_nothing()
    {
        await host.RenewAsync();
        Assert.Empty((await host.RunUnchangedAsync("Set-DsaMarkerFile @nat -WhatIf")).Output);
        await host.OnNatAsync($"touch {Path}");
        Assert.Empty((await host.RunUnchangedAsync("Remove-DsaMarkerFile @nat -WhatIf")).Output);
    }

    [Fact]
    public async Task A_marker_that_cannot_be_written_is_an_error()
    {
        await host.RenewAsync();
        await host.OnNatAsync("mount --bind /etc /etc && mount -o remount,bind,ro /etc");
        try
        {
            Assert.Equal("MarkerFailed", (await host.RunAsync("Set-DsaMarkerFile @nat")).ErrorId);
        }
        finally
        {
            await host.OnNatAsync("umount /etc");
        }
    }
}
