using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Diagnosis;

/// <summary>Which networks a host's rules do source NAT for, by which interfaces.</summary>
public sealed class SourceNatTests
{
    private const string Head = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n";

    [Theory]
    [InlineData("-A POSTROUTING -j MASQUERADE", "Masquerade *")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/16 -o eth0 -j MASQUERADE --to-ports 1024-65535", "Masquerade 10.0.0.0/16 by eth0")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/16 -o ppp+ -j SNAT --to-source 192.0.2.1-192.0.2.9:1024-2048 --random", "Snat 10.0.0.0/16 by ppp+ to 192.0.2.1-192.0.2.9:1024-2048")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/24 -j NETMAP --to 192.0.2.0/24", "Netmap 10.0.0.0/24 to 192.0.2.0/24")]
    [InlineData("-A POSTROUTING -j SAME --to 192.0.2.1-192.0.2.2", "Same * to 192.0.2.1-192.0.2.2")]
    public void A_rules_own_conditions_are_told(string rule, string expected) => Assert.Equal(expected, Of(rule));

    [Theory]
    [InlineData("-A POSTROUTING -o eth0 -j A\n-A A -s 10.0.0.0/8 -j MASQUERADE", "Masquerade 10.0.0.0/8 by eth0")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/8 -o eth+ -j A\n-A A -s 10.1.0.0/16 -o eth1 -j MASQUERADE", "Masquerade 10.1.0.0/16 by eth1")]
    [InlineData("-A POSTROUTING -s 10.1.0.0/16 -o eth1 -j A\n-A A -s 10.0.0.0/8 -o eth+ -j MASQUERADE", "Masquerade 10.1.0.0/16 by eth1")]
    [InlineData("-A POSTROUTING -o eth0 -g A\n-A A ! -o lo -j MASQUERADE", "Masquerade * by eth0")]
    [InlineData("-A POSTROUTING ! -s 192.168.0.0/16 -j A\n-A A -s 10.0.0.0/8 -j MASQUERADE", "Masquerade 10.0.0.0/8")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/8 -j A\n-A POSTROUTING -s 172.16.0.0/12 -o eth1 -j A\n-A A -j B\n-A B -j MASQUERADE", "Masquerade 10.0.0.0/8; Masquerade 172.16.0.0/12 by eth1")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/8 -j A\n-A POSTROUTING -s 172.16.0.0/12 -j A\n-A A -s 10.2.0.0/16 -j MASQUERADE", "Masquerade 10.2.0.0/16")]
    [InlineData("-A POSTROUTING -s 10.0.0.0/8 -j A\n-A A -j B\n-A B -j A\n-A A -j MASQUERADE", "Masquerade 10.0.0.0/8")]
    public void The_conditions_of_the_jumps_that_lead_to_a_rule_are_told_too(string rules, string expected) => Assert.Equal(expected, Of(rules));

    [Fact]
    public void What_no_packet_comes_to_serves_nobody() => Assert.Equal("", Of("-A POSTROUTING -j ACCEPT\n-A POSTROUTING -j MASQUERADE\n-A A -j MASQUERADE"));

    [Fact]
    public void A_listing_tells_what_it_shows()
    {
        const string listing = "Chain PREROUTING (policy ACCEPT)\nnum  target     prot opt source               destination         \n\nChain INPUT (policy ACCEPT)\nnum  target     prot opt source               destination         \n\nChain OUTPUT (policy ACCEPT)\nnum  target     prot opt source               destination         \n\nChain POSTROUTING (policy ACCEPT)\nnum  target     prot opt source               destination         \n1    SNAT       all  --  10.0.0.0/8           0.0.0.0/0           to:192.0.2.1\n2    NETMAP     all  --  10.1.0.0/24          0.0.0.0/0           192.0.2.0/24\n";
        Assert.Equal("Snat 10.0.0.0/8 to 192.0.2.1; Netmap 10.1.0.0/24 to 192.0.2.0/24", Of(RulesetReader.Read(listing)));
    }

    [Theory]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":8}}}},{"snat":{"addr":"192.0.2.1","port":{"range":[1024,2048]},"flags":"random"}}""", "Snat 10.0.0.0/8 to 192.0.2.1:1024-2048")]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"oifname"}},"right":"eth0"}},{"jump":{"target":"a"}}""", "Masquerade * by eth0")]
    [InlineData("""{"vmap":{"key":{"meta":{"key":"oifname"}},"data":{"set":[["eth0",{"goto":{"target":"a"}}]]}}}""", "Masquerade *")]
    public void Native_nft_is_told_too(string statements, string expected)
    {
        string text = """
            {"nftables":[{"metainfo":{"json_schema_version":1}},{"table":{"family":"ip","name":"t","handle":1}},
            {"chain":{"family":"ip","table":"t","name":"post","handle":1,"type":"nat","hook":"postrouting","prio":100,"policy":"accept"}},
            {"chain":{"family":"ip","table":"t","name":"a","handle":2}},
            {"rule":{"family":"ip","table":"t","chain":"post","handle":3,"expr":[STATEMENTS]}},
            {"rule":{"family":"ip","table":"t","chain":"a","handle":4,"expr":[{"masquerade":null}]}}]}
            """;
        Assert.Equal(expected, Of(RulesetReader.Read(text.Replace("STATEMENTS", statements, StringComparison.Ordinal))));
    }

    [Fact]
    public void Many_ways_to_one_rule_come_to_an_end()
    {
        // 60 chains, each with 60 jumps to the next: followed one by one, more ways than there is time for.
        const int size = 60;
        string declarations = string.Concat(Enumerable.Range(0, size).Select(i => $":C{i} - [0:0]\n"));
        string rules = string.Concat(
            from chain in Enumerable.Range(0, size - 1)
            from way in Enumerable.Range(0, size)
            select $"-A C{chain} -s 10.{chain}.{way}.0/{way % 24} -o e{new string('t', way % 9)}+ -j C{chain + 1}\n");
        Ruleset ruleset = RulesetReader.Read($"{Head}{declarations}-A POSTROUTING -j C0\n{rules}-A C{size - 1} -j MASQUERADE\nCOMMIT\n");
        Assert.NotEmpty(NatIptablesState.Of(ruleset, null).SourceNat);
    }

    private static string Of(string rules) => Of(RulesetReader.Read($"{Head}{rules}\nCOMMIT\n"));

    private static string Of(Ruleset ruleset) => string.Join("; ", NatIptablesState.Of(ruleset, null).SourceNat);
}
