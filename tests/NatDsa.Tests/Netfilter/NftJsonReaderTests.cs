using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Netfilter;

public sealed class NftJsonReaderTests
{
    private const string Post = """{"chain":{"family":"ip","table":"t","name":"post","type":"nat","hook":"postrouting","prio":100,"policy":"accept"}}""";

    [Fact]
    public void A_rule_comes_apart_into_its_fields()
    {
        Rule rule = One(
            """
            {"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth*"}},
            {"match":{"op":"!=","left":{"meta":{"key":"oifname"}},"right":"lo"}},
            {"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.1.0","len":24}}}},
            {"match":{"op":"==","left":{"&":[{"payload":{"protocol":"ip","field":"daddr"}},"255.0.255.0"]},"right":"10.0.1.0"}},
            {"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"set":[80,{"range":[443,445]}]}}},
            {"counter":{"packets":12,"bytes":18446744073709551615}},{"log":{"prefix":"a b","group":3}},
            {"snat":{"addr":"192.0.2.1","port":{"range":[1024,2048]},"flags":["random","persistent"]}}
            """);
        Assert.Equal(("t", "post", 1, "SNAT", "tcp", 7ul), (rule.Table, rule.Chain, rule.Number, rule.Target, rule.Protocol, rule.Handle!.Value));
        Assert.Equal(("eth+", "!lo"), (rule.In, rule.Out));
        Assert.Equal(("!10.0.1.0/24", "10.0.1.0/255.0.255.0"), (rule.Source, rule.Destination));
        Assert.Equal((12ul, ulong.MaxValue), (rule.Packets, rule.Bytes));
        Assert.Equal("tcp dport { 80, 443-445 } log prefix \"a b\" group 3 snat to 192.0.2.1:1024-2048 random,persistent", rule.Options);
        Assert.Equal(("postrouting", "nat", 100, ChainPolicy.Accept), (rule.DeclaringChain.Hook, rule.DeclaringChain.HookType, rule.DeclaringChain.Priority, rule.DeclaringChain.Policy));
        Assert.True(rule.IsSourceNat);
        Assert.False(rule.IsUnconditional);
    }

    [Theory]
    [InlineData("""{"accept":null}""", "ACCEPT", "", true)]
    [InlineData("""{"log":null},{"drop":null}""", "DROP", "log", true)]
    [InlineData("""{"log":null}""", "LOG", "log", true)]
    [InlineData("""{"masquerade":null}""", "MASQUERADE", "", true)]
    [InlineData("""{"redirect":{"port":53}}""", "REDIRECT", "redirect to :53", true)]
    [InlineData("""{"dnat":{"family":"ip","addr":"10.0.0.1","port":80}}""", "DNAT", "dnat ip to 10.0.0.1:80", false)]
    [InlineData("""{"snat":{"addr":{"map":{"key":{"payload":{"protocol":"ip","field":"saddr"}},"data":"@m"}}}}""", "SNAT", "snat to ip saddr map @m", false)]
    [InlineData("""{"counter":"c"},{"return":null}""", "RETURN", "counter name c", true)]
    [InlineData("""{"counter":null},{"continue":null}""", null, "continue", true)]
    [InlineData("""{"reject":{"type":"tcp reset"}}""", "REJECT", "reject with tcp reset", true)]
    [InlineData("""{"xt":{"type":"match","name":"comment"}},{"xt":{"type":"target","name":"NETMAP"}}""", "NETMAP", "xt match comment", true)]
    [InlineData("""{"xt":{"type":"match","name":"state"}},{"xt":{"type":"target","name":"LOG"}}""", "LOG", "xt match state", false)]
    [InlineData("""{"limit":{"rate":5,"burst":7,"per":"second"}},{"accept":null}""", "ACCEPT", "limit rate 5/second burst 7 packets", false)]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}},{"accept":null}""", "ACCEPT", "ct state established,related", false)]
    [InlineData("""{"mangle":{"key":{"meta":{"key":"nftrace"}},"value":1}}""", "TRACE", "meta nftrace set 1", true)]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":{"set":["a","b"]}}},{"accept":null}""", "ACCEPT", "iifname { a, b }", false)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"@s"}},{"accept":null}""", "ACCEPT", "ip saddr @s", false)]
    [InlineData("""{"something new":{"x":[1,{"y":2}]}},{"accept":null}""", "ACCEPT", "something new x 1,y 2", false)]
    public void Statements_have_iptables_names_and_what_has_no_column_is_in_the_options(string statements, string? target, string options, bool always)
    {
        Rule rule = One(statements);
        Assert.Equal((target, options, always), (rule.Target, rule.Options, rule.IsUnconditional));
    }

    [Theory]
    [InlineData("""{"match":{"op":"!=","left":{"&":[{"payload":{"protocol":"ip","field":"frag-off"}},8191]},"right":0}}""", FragmentMatch.Further)]
    [InlineData("""{"match":{"op":"==","left":{"&":[{"payload":{"protocol":"ip","field":"frag-off"}},8191]},"right":0}}""", FragmentMatch.Head)]
    public void Fragments_are_those_of_iptables(string statement, FragmentMatch fragment) => Assert.Equal(fragment, One(statement).Fragment);

    [Fact]
    public void A_chain_may_be_called_like_a_statement()
    {
        Ruleset ruleset = Read(
            Chain("MASQUERADE"), Chain("ACCEPT"), Post, Rule("post", """{"accept":null}"""), Rule("post", """{"jump":{"target":"MASQUERADE"}}"""));
        Rule[] rules = [.. ruleset.Rules];
        Assert.Null(rules[0].TargetChain);
        Assert.Equal("MASQUERADE", rules[1].TargetChain?.Name);
        Assert.False(rules[1].IsSourceNat);
    }

    [Theory]
    [InlineData("""{"vmap":{"key":{"meta":{"key":"oifname"}},"data":"@m"}}""")]
    [InlineData("""{"vmap":{"key":{"meta":{"key":"oifname"}},"data":{"set":[["eth0",{"drop":null}],["eth1",{"jump":{"target":"a"}}]]}}}""")]
    [InlineData("""{"vmap":{"data":{"set":[[{"concat":["eth1",80]},{"goto":{"target":"a"}}]]},"key":{"meta":{"key":"oifname"}}}}""")]
    [InlineData("""{"jump":{"target":"a"}}""")]
    [InlineData("""{"goto":{"target":"a"}}""")]
    public void Rules_behind_jumps_gotos_and_verdict_maps_are_reached(string way)
    {
        string map = """{"map":{"family":"ip","table":"t","name":"m","type":"ifname","map":"verdict","elem":[["eth1",{"jump":{"target":"a"}}]]}}""";
        string[] objects = [Post, Chain("a"), map, Rule("post", way), Rule("a", """{"masquerade":null}""")];
        Assert.Equal(NatStatus.Healthy, Status(Read(objects)));
        Assert.Equal(NatStatus.NatMissing, Status(Read([.. objects.Where(o => !o.Contains(way, StringComparison.Ordinal))])));
    }

    [Theory]
    [InlineData("inet", """{"masquerade":null}""", NatStatus.Healthy)]
    [InlineData("inet", """{"match":{"op":"==","left":{"meta":{"key":"nfproto"}},"right":"ipv4"}},{"masquerade":null}""", NatStatus.Healthy)]
    [InlineData("inet", """{"match":{"op":"==","left":{"meta":{"key":"nfproto"}},"right":"ipv6"}},{"masquerade":null}""", NatStatus.NatMissing)]
    [InlineData("inet", """{"match":{"op":"==","left":{"payload":{"protocol":"ip6","field":"saddr"}},"right":{"prefix":{"addr":"fd00::","len":8}}}},{"masquerade":null}""", NatStatus.NatMissing)]
    [InlineData("inet", """{"match":{"op":"==","left":{"concat":[{"payload":{"protocol":"ip6","field":"saddr"}},{"meta":{"key":"oifname"}}]},"right":"@s"}},{"masquerade":null}""", NatStatus.NatMissing)]
    [InlineData("inet", """{"snat":{"family":"ip6","addr":"fd00::1"}}""", NatStatus.NatMissing)]
    [InlineData("inet", """{"snat":{"family":"ip","addr":"192.0.2.1"}}""", NatStatus.Healthy)]
    [InlineData("ip6", """{"masquerade":null}""", NatStatus.Healthy)]
    [InlineData("ip", """{"dnat":{"addr":"10.0.0.1"}}""", NatStatus.NatMissing)]
    public void Source_NAT_counts_for_the_family_that_it_is_about(string family, string statements, NatStatus status) =>
        Assert.Equal(status, Status(RulesetReader.Read(Text(
            $$$"""{"table":{"family":"{{{family}}}","name":"t","handle":1}}""",
            Post.Replace("\"ip\"", $"\"{family}\"", StringComparison.Ordinal),
            Rule("post", statements).Replace("\"family\":\"ip\",\"table\"", $"\"family\":\"{family}\",\"table\"", StringComparison.Ordinal)))));

    [Fact]
    public void Other_families_are_kept_and_not_judged()
    {
        Ruleset ruleset = RulesetReader.Read(Text(
            """{"table":{"family":"bridge","name":"b"}}""",
            """{"chain":{"family":"bridge","table":"b","name":"in","type":"filter","hook":"input","prio":0,"policy":"drop"}}""",
            """{"rule":{"family":"bridge","table":"b","chain":"in","handle":2,"expr":[{"drop":null}]}}"""));
        Assert.Equal("DROP", Assert.Single(ruleset.Rules).Target);
        Assert.Equal(NatStatus.Erased, Status(ruleset));
    }

    [Theory]
    [InlineData("nat", "postrouting", NatStatus.Healthy)]
    [InlineData("filter", "postrouting", NatStatus.NatMissing)]
    [InlineData("nat", "prerouting", NatStatus.NatMissing)]
    public void Only_a_nat_chain_at_postrouting_does_source_NAT(string type, string hook, NatStatus status) =>
        Assert.Equal(status, Status(Read(
            Post.Replace("\"nat\"", $"\"{type}\"", StringComparison.Ordinal).Replace("postrouting", hook, StringComparison.Ordinal), Rule("post", """{"masquerade":null}"""))));

    [Theory]
    [InlineData("""{"xt":null}""")]
    [InlineData("""{"counter":{"packets":0,"bytes":0}},{"xt":null}""")]
    public void What_an_old_nft_could_not_print_of_a_nat_table_leaves_the_state_unknown(string statements) =>
        Assert.Equal(NatStatus.Unknown, Status(Read(Post, Rule("post", statements))));

    [Theory]
    [InlineData("""{"nftables": []} x""", 1, 18)]
    [InlineData("""{"nftables": {}}""", 1, 1)]
    [InlineData("""{"nftables": []}""", 1, 1)]
    [InlineData("""{"nftables": [{"table": {"family": "ip"}}]}""", 1, 25)]
    [InlineData("""{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c"}}]}""", 1, 25)]
    [InlineData("{\"nftables\": [{\"metainfo\": {}},\n{\"rule\": {\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": []}}]}", 2, 10)]
    [InlineData("""{"nftables": [{"add": {"table": {"family": "ip", "name": "t"}}}]}""", 1, 16)]
    [InlineData("""{"nftables": [{"metainfo": {"version": wrong}}]}""", 1, 40)]
    [InlineData("""{"nftables": [{"metainfo": {}}, 7]}""", 1, 33)]
    [InlineData("""{"nftables": [{"metainfo": {""", 1, 29)]
    public void What_is_no_ruleset_is_refused_with_its_place_and_judged_unknown(string text, int line, int column)
    {
        RulesetSyntaxException error = Assert.Throws<RulesetSyntaxException>(() => RulesetReader.Read(text));
        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.Equal(NatStatus.Unknown, Status(RulesetReader.Read(text, RulesetReadMode.Lenient)));
    }

    [Fact]
    public void A_good_rule_behind_a_bad_one_is_read_and_the_whole_is_partial()
    {
        Ruleset ruleset = RulesetReader.Read(
            Text("""{"table":{"family":"ip","name":"t"}}""", Post, Rule("nowhere", """{"drop":null}"""), Rule("post", """{"masquerade":null}""")), RulesetReadMode.Lenient);
        Assert.Equal("MASQUERADE", Assert.Single(ruleset.Rules).Target);
        Assert.True(ruleset.IsPartial);
        Assert.Equal(NatStatus.Unknown, Status(ruleset));
    }

    [Theory]
    [InlineData("working-nft.json")]
    [InlineData("working-native-nft.json")]
    [InlineData("erased-nft.json")]
    public void A_text_cut_off_anywhere_is_never_taken_for_a_verdict(string sample)
    {
        string text = Samples.Text(sample).TrimEnd();
        for (int length = 0; length < text.Length; length++)
        {
            Assert.Equal(NatStatus.Unknown, NatAssessment.OfText(text[..length]).Status);
            Assert.Throws<RulesetSyntaxException>(() => RulesetReader.Read(text[..length]));
        }
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    public void Depth_is_bounded(string open)
    {
        string bomb = """{"nftables":[{"metainfo":""" + string.Concat(Enumerable.Repeat(open, 1_000_000));
        Assert.Throws<RulesetSyntaxException>(() => RulesetReader.Read(bomb));
    }

    [Fact]
    public void Places_count_characters_and_not_bytes()
    {
        Rule[] rules = [.. Read(Post, Rule("post", """{"drop":null}], "comment":"é 日本 𝒳", "x":["""), Rule("post", """{"accept":null}""")).Rules];
        Assert.Equal("drop", rules[0].Text[(rules[0].Text.IndexOf("drop", StringComparison.Ordinal))..][..4]);
        Assert.Equal("comment \"é 日本 𝒳\"", rules[0].Options);
        Assert.StartsWith("{\"family\"", rules[1].Text, StringComparison.Ordinal);
        Assert.EndsWith("]}", rules[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_does_no_harm()
    {
        Rule rule = One("""{"match":{"op":"==","left":{"meta":{"key":"\ud800"}},"right":"\udfff"}},{"log":{"prefix":"\ud800"}},{"jump":{"target":"\ud800"}}""");
        Assert.Null(rule.TargetChain);
        Assert.NotEmpty(rule.Options);
    }

    [Fact]
    public void Rules_of_iptables_read_like_the_dump_that_they_came_from()
    {
        Ruleset nft = RulesetReader.Read(Samples.Text("working-nft.json"));
        Ruleset save = RulesetReader.Read(Samples.Text("working-save.txt"));
        Assert.Equal(
            save.Rules.Select(Fields).Order(),
            nft.Rules.Select(Fields).Order());

        static (string, string, int, string?, string, string?, string?, string?) Fields(Rule rule) =>
            (rule.Table, rule.Chain, rule.Number, rule.Target, rule.Protocol, rule.Source, rule.In, rule.Out);
    }

    [Fact]
    public void The_agents_own_ports_are_not_the_operators_rules()
    {
        string input = """{"chain":{"family":"ip","table":"filter","name":"INPUT","type":"filter","hook":"input","prio":0,"policy":"accept"}}""";
        string port = """{"rule":{"family":"ip","table":"filter","chain":"INPUT","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":PORT}},{"counter":{"packets":0,"bytes":0}},{"accept":null}]}}""";
        string table = """{"table":{"family":"ip","name":"filter"}}""";
        Assert.Equal(NatStatus.Erased, Status(RulesetReader.Read(Text(table, input, port.Replace("PORT", "4118", StringComparison.Ordinal)))));
        Assert.Equal(NatStatus.NatMissing, Status(RulesetReader.Read(Text(table, input, port.Replace("PORT", "22", StringComparison.Ordinal)))));
    }

    [Fact]
    public void Any_value_in_a_rule_may_be_another_and_the_rules_beside_it_stay_as_they_are()
    {
        string[] statements =
        [
            """{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth0"}},{"counter":{"packets":1,"bytes":2}},{"accept":null}""",
            """{"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.1.0","len":24}}}},{"masquerade":{"port":{"range":[1,2]},"flags":["random"]}}""",
            """{"match":{"op":"==","left":{"&":[{"payload":{"protocol":"ip","field":"frag-off"}},8191]},"right":0}},{"xt":{"type":"match","name":"state"}},{"xt":{"type":"target","name":"SNAT"}}""",
            """{"match":{"op":"==","left":{"concat":[{"payload":{"protocol":"ip","field":"saddr"}},{"meta":{"key":"l4proto"}}]},"right":{"set":[{"concat":["10.0.0.1","tcp"]}]}}},{"log":{"prefix":"x","group":3}},{"drop":null}""",
            """{"vmap":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"data":{"set":[[80,{"jump":{"target":"a"}}],[81,{"goto":{"target":"a"}}]]}}}""",
            """{"vmap":{"key":{"meta":{"key":"oifname"}},"data":"@m"}}""",
            """{"mangle":{"key":{"meta":{"key":"nftrace"}},"value":1}},{"limit":{"rate":5,"per":"second"}},{"goto":{"target":"a"}}""",
            """{"snat":{"family":"ip","addr":{"map":{"key":{"payload":{"protocol":"ip","field":"saddr"}},"data":{"set":[["10.0.0.1","192.0.2.1"]]}}}}}""",
        ];
        string[] others = ["null", "true", "7", "-1.5", "1e99", "\"\"", "\"@\"", "[]", "{}", "[[],{}]", "{\"a\":{\"b\":[1]}}", "\"" + new string('x', 300) + "\""];
        foreach (string statement in statements)
        {
            string rule = Rule("post", statement);
            for (int at = 0; (at = NextValue(rule, at)) < rule.Length; at++)
            {
                foreach (string other in others)
                {
                    string changed = rule[..at] + other + rule[EndOfValue(rule, at)..];
                    Ruleset ruleset = RulesetReader.Read(Text(
                        """{"table":{"family":"ip","name":"t"}}""", Post, Chain("a"), Rule("post", """{"accept":null}"""), changed, Rule("post", """{"drop":null}""")), RulesetReadMode.Lenient);
                    Rule[] rules = [.. ruleset.Rules];
                    Assert.True(rules[0].Target == "ACCEPT" && rules[^1].Target == "DROP" && (rules.Length == 3 || ruleset.IsPartial), changed);
                    Assert.All(rules, one => Assert.NotNull(one.Options));
                    Assert.NotNull(NatAssessment.Of([ruleset], null).Reason);
                }
            }
        }

        // Behind a colon, or in an array: a value begins.
        static int NextValue(string json, int at)
        {
            while (at < json.Length && !(at > 0 && json[at - 1] is ':' or '[' or ',' && json[at] is not (' ' or ']') && (json[at - 1] != ',' || !IsName(json, at))))
                at++;
            return at;
        }

        static bool IsName(string json, int at) => json[at] == '"' && json[json.IndexOf('"', at + 1) + 1] == ':';

        static int EndOfValue(string json, int at)
        {
            var reader = new System.Text.Json.Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(json[at..]), isFinalBlock: false, default);
            Assert.True(reader.Read() && reader.TrySkip());
            return at + (int)reader.BytesConsumed;
        }
    }

    private static NatStatus Status(Ruleset ruleset) => NatAssessment.Of([ruleset], null).Status;

    private static Rule One(string statements) => Assert.Single(Read(Post, Rule("post", statements)).Rules);

    private static Ruleset Read(params string[] objects) => RulesetReader.Read(Text(["""{"table":{"family":"ip","name":"t","handle":1}}""", .. objects]));

    private static string Chain(string name) => $$$"""{"chain":{"family":"ip","table":"t","name":"{{{name}}}","handle":9}}""";

    private static string Rule(string chain, string statements) =>
        $$$"""{"rule":{"family":"ip","table":"t","chain":"{{{chain}}}","handle":7,"expr":[{{{statements}}}]}}""";

    private static string Text(params string[] objects) =>
        """{"nftables":[{"metainfo":{"version":"1.0.6","json_schema_version":1}},""" + string.Join(",", objects) + "]}\n";
}
