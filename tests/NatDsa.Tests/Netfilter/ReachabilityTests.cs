using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Netfilter;

public sealed class ReachabilityTests
{
    [Theory]
    [InlineData("", "B A C")]
    [InlineData("-A INPUT -j A\n-A A -j B", "C")]
    [InlineData("-A B -j A\n-A A -j B\n-A C -j A", "B A C")]
    [InlineData("-A INPUT -j ACCEPT\n-A INPUT -j A", "B A C")]
    [InlineData("-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -g A\n-A INPUT -j B", "B C")]
    [InlineData("-A INPUT -j A\n-A A -j DROP\n-A INPUT -j B", "B C")]
    [InlineData("-A INPUT -j A\n-A A -j RETURN\n-A A -j C\n-A INPUT -j B", "C")]
    [InlineData("-A INPUT -j A\n-A A -j B\n-A B -j A\n-A INPUT -j C", "")]
    [InlineData("-A INPUT -p tcp -j A\n-A A -g B\n-A B -j DROP\n-A INPUT -j C", "")]
    public void Chains_that_nothing_reaches_are_found(string rules, string unreachable)
    {
        Ruleset ruleset = RulesetReader.Read($"*filter\n:INPUT ACCEPT [0:0]\n:B - [0:0]\n:A - [0:0]\n:C - [0:0]\n{rules}{(rules.Length > 0 ? "\n" : "")}COMMIT\n");
        Assert.Equal(unreachable, string.Join(' ', ruleset.TableList[0].UnreachableChains));
    }

    [Fact]
    public void A_table_that_is_not_whole_tells_of_none()
    {
        Ruleset ruleset = RulesetReader.Read("*filter\n:A - [0:0]\n-A A -j DROP\n", RulesetReadMode.Lenient);
        Assert.Empty(ruleset.TableList[0].UnreachableChains);
    }

    [Fact]
    public void Depth_costs_no_stack_and_each_chain_is_walked_once()
    {
        const int depth = 20_000;
        string declarations = string.Concat(Enumerable.Range(0, depth).Select(i => $":C{i} - [0:0]\n"));
        string rules = string.Concat(Enumerable.Range(0, depth - 1).Select(i => $"-A C{i} -j C{i + 1}\n-A C{i} -j C{i + 1}\n"));
        string text = $"*filter\n:INPUT ACCEPT [0:0]\n{declarations}-A INPUT -j C0\n{rules}COMMIT\n";
        Table table = RulesetReader.Read(text).TableList[0];
        Assert.Empty(table.UnreachableChains);
        Assert.Equal(2 * (depth - 1) + 1, Reachability.RulesFrom(table, chain => chain.IsBuiltIn).Count);
    }
}
