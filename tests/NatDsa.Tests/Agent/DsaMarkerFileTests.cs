using NatDsa.Tests.Probe;
using Xunit;

namespace NatDsa.Tests.Agent;

public sealed class DsaMarkerFileTests
{
    private static readonly Version Old = new(9, 5, 3, 2754);
    private static readonly Version New = new(10, 2, 0, 404);

    [Theory]
    [InlineData("", FileKind.None, false)]
    [InlineData("stat=regular empty file|0|0|644|0|1700000000|root|root\n", FileKind.RegularFile, true)]
    [InlineData("stat=regular file|0|0|644|5|1700000000|root|root\n", FileKind.RegularFile, true)]
    [InlineData("stat=directory|0|0|755|40|1700000000|root|root\n", FileKind.Directory, false)]
    [InlineData("stat=symbolic link|0|0|777|12|1700000000|root|root\nlink=/etc/nowhere\n", FileKind.SymbolicLink, false)]
    [InlineData("stat=symbolic link|0|0|777|12|1700000000|root|root\nlink=/etc/hosts\nresolves=regular\n", FileKind.SymbolicLink, true)]
    [InlineData("stat=fifo|0|0|644|0|1700000000|root|root\n", FileKind.Other, false)]
    // stat itself failed, but something is there.
    [InlineData("stat=\n", FileKind.Other, false)]
    public void An_old_agent_is_content_with_a_regular_file_only(string facts, FileKind kind, bool sufficient)
    {
        DsaMarkerFile marker = Marker(facts, Old);
        Assert.Equal((kind, sufficient), (marker.Kind, marker.Sufficient));
        Assert.Equal(kind != FileKind.None, marker.Present);
    }

    [Fact]
    public void A_newer_agent_needs_none() => Assert.True(Marker("", New).Sufficient);

    [Fact]
    public void An_unknown_version_needs_one() => Assert.False(Marker("", null).Sufficient);

    [Fact]
    public void Only_where_one_is_missing_and_needed_is_it_said_how_to_create_it()
    {
        foreach (DsaMarkerFile missing in (DsaMarkerFile[])[Marker("", Old), Marker("", null)])
        {
            Assert.StartsWith(missing.Cause, missing.Reason, StringComparison.Ordinal);
            Assert.Contains("Set-DsaMarkerFile", missing.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain("Set-DsaMarkerFile", missing.Cause, StringComparison.Ordinal);
        }

        foreach (DsaMarkerFile other in (DsaMarkerFile[])[Marker("", New), Marker("stat=directory|0|0|755|40|1700000000|root|root\n", Old)])
            Assert.Equal(other.Cause, other.Reason);
    }

    [Fact]
    public void What_stat_says_is_told()
    {
        DsaMarkerFile marker = Marker("stat=regular file|0|1001|600|5|1700000000|root|UNKNOWN\n", Old);
        Assert.Equal(("root", "1001", "600", 5L), (marker.Owner, marker.Group, marker.Mode, marker.Length));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1700000000), marker.LastWriteTime);
    }

    [Fact]
    public void Nonsense_in_place_of_numbers_is_nothing_known()
    {
        DsaMarkerFile marker = Marker("stat=regular file|||||99999999999999999999\n", Old);
        Assert.Equal((null, null), (marker.Length, marker.LastWriteTime));
    }

    [Fact]
    public void A_host_that_did_not_answer_has_no_markers() =>
        Assert.Empty(DsaMarkerFile.Read(Answer.OfLinux().Snapshot(), Old, agentInstalled: true));

    private static DsaMarkerFile Marker(string facts, Version? version) =>
        Assert.Single(
            DsaMarkerFile.Read(Answer.OfLinux().WithMarker(facts).Snapshot(), version, agentInstalled: true), m => m.Marker == DsaMarker.UseDsaWithIptables);
}
