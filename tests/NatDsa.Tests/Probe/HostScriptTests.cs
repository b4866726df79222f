using System.Text;
using NatDsa.Privilege;
using NatDsa.Probe;
using Xunit;

namespace NatDsa.Tests.Probe;

public sealed class HostScriptTests
{
    [Fact]
    public void A_value_with_a_NUL_is_refused() =>
        Assert.Throws<ArgumentException>(() => HostScript.Load(new ScriptFiles(HostPrivilege.None)).With("X", "a\0b"));

    [Fact]
    public void A_value_is_written_in_inert_characters_only() =>
        Assert.Equal("X=$(printf '%b' 'a\\0047\\0044b.'); X=${X%.}\n", Encoding.ASCII.GetString(HostScript.Load(new ScriptFiles(HostPrivilege.None)).With("X", "a'$b").ToStandardInput()));
}
