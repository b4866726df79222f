using NatDsa.Tests.Netfilter;
using Xunit;

namespace NatDsa.Tests.Probe;

public sealed class RunningRulesTests
{
    private const string Saved = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j RULE\nCOMMIT\n";
    private const string NoRules = """{"nftables":[{"metainfo":{"version":"1.0.6"}}]}""";
    private const string Native = """
        {"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"ip","name":"nat","handle":1}},
        {"chain":{"family":"ip","table":"nat","name":"POSTROUTING","handle":1,"type":"nat","hook":"postrouting","prio":100,"policy":"accept"}},
        {"rule":{"family":"ip","table":"nat","chain":"POSTROUTING","handle":2,"expr":[RULE]}}]}
        """;

    [Fact]
    public void Native_source_NAT_is_healthy() =>
        Assert.Equal(NatStatus.Healthy, State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", Nft("""{"masquerade":null}"""))).Status);

    [Fact]
    public void A_host_that_has_nothing_but_nft_is_judged_by_it()
    {
        Assert.Equal(NatStatus.Healthy, State(Answer.OfLinux().With("nft.ruleset", Nft("""{"masquerade":null}"""))).Status);
        Assert.Equal(NatStatus.Erased, State(Answer.OfLinux().With("nft.ruleset", NoRules)).Status);
    }

    [Fact]
    public void Native_rules_without_source_NAT_are_no_erased_host() =>
        Assert.Equal(NatStatus.NatMissing, State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", Nft("""{"accept":null}"""))).Status);

    [Theory]
    [InlineData("""{"xt":{"type":"target","name":"MASQUERADE"}}""")]
    [InlineData("""{"xt":null}""")]
    public void The_tables_of_iptables_nft_are_shown_once_as_iptables_has_them(string rule)
    {
        NatIptablesState state = State(Answer.OfLinux().With("save.iptables-nft", Saved.Replace("RULE", "MASQUERADE", StringComparison.Ordinal)).With("nft.ruleset", Nft(rule)));
        Assert.Equal((NatStatus.Healthy, 1), (state.Status, state.RuleCount));
        state = State(Answer.OfLinux().With("save.iptables-nft", Saved.Replace("RULE", "LOG", StringComparison.Ordinal)).With("nft.ruleset", Nft(rule.Replace("MASQUERADE", "LOG", StringComparison.Ordinal))));
        Assert.Equal((NatStatus.NatMissing, 1), (state.Status, state.RuleCount));
    }

    [Fact]
    public void A_native_table_that_is_called_like_one_of_iptables_legacy_is_another()
    {
        NatIptablesState state = State(Answer.OfLinux().With("save.iptables-legacy", Saved.Replace("RULE", "LOG", StringComparison.Ordinal)).With("nft.ruleset", Nft("""{"masquerade":null}""")));
        Assert.Equal((NatStatus.Healthy, 2), (state.Status, state.RuleCount));
    }

    [Fact]
    public void What_iptables_calls_incompatible_is_read_from_nft()
    {
        Answer answer = Answer.OfLinux().With("save.iptables-nft", "# Table `nat' is incompatible, use 'nft' tool.\n");
        Assert.Equal(NatStatus.Healthy, State(answer.With("nft.ruleset", Nft("""{"snat":{"addr":"192.0.2.1"}}"""))).Status);
    }

    [Fact]
    public void Source_NAT_of_IPv6_is_none() =>
        Assert.Equal(NatStatus.Erased, State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", Nft("""{"masquerade":null}""").Replace("\"ip\"", "\"ip6\"", StringComparison.Ordinal))).Status);

    [Theory]
    [InlineData("table inet firewalld\n", NatStatus.Unknown, ErrorIds.StateUnknown)]
    [InlineData("table ip nat\ntable ip6 filter\n", NatStatus.Erased, null)]
    [InlineData("", NatStatus.Erased, null)]
    public void Without_JSON_native_tables_leave_the_state_unknown(string tables, NatStatus status, string? errorId)
    {
        NatIptablesState state = State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", "", 1, "JSON support not compiled-in").With("nft.tables", tables));
        Assert.Equal((status, errorId), (state.Status, state.Fault?.ErrorId));
    }

    [Fact]
    public void No_rules_are_no_news_from_one_who_may_not_see_any()
    {
        NatIptablesState state = State(Answer.OfLinux(uid: 1000).With("save.iptables", "").With("save.ip6tables", ""));
        Assert.Equal((NatStatus.Unknown, ErrorIds.PermissionDenied), (state.Status, state.Fault?.ErrorId));
    }

    [Fact]
    public void An_nft_that_hangs_leaves_the_state_unknown()
    {
        NatIptablesState state = State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", "", 124).With("nft.tables", "", 137));
        Assert.Equal((NatStatus.Unknown, ErrorIds.TimedOut), (state.Status, state.Fault?.ErrorId));
    }

    [Fact]
    public void A_ruleset_that_is_cut_off_leaves_the_state_unknown()
    {
        string text = Samples.Text("working-native-nft.json").Trim();
        for (int length = 0; length < text.Length; length += 97)
            Assert.Equal(NatStatus.Unknown, State(Answer.OfLinux().With("save.iptables-nft", "").With("nft.ruleset", text[..length])).Status);
    }

    private static string Nft(string statements) => Native.Replace("RULE", statements, StringComparison.Ordinal);

    private static NatIptablesState State(Answer answer) => NatIptablesState.Read(answer.Snapshot());
}
