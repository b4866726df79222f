using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Netfilter;

public sealed class RulesetReaderTests
{
    private const string Head = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:X - [0:0]\n";

    [Fact]
    public void A_rule_comes_apart_into_its_fields()
    {
        Rule rule = One("[12:3456] -A INPUT ! -s 10.0.0.0/255.0.255.0 -d 192.0.2.1/32 -i eth+ ! -o lo -p tcp -m comment --comment \"a \\\"b\\\" c\" -m multiport ! --dports 1,2:5 -g X");
        Assert.Equal(("filter", "INPUT", 1, "X", "tcp"), (rule.Table, rule.Chain, rule.Number, rule.Target, rule.Protocol));
        Assert.True(rule.IsGoto);
        Assert.Equal(("!10.0.0.0/255.0.255.0", "192.0.2.1"), (rule.Source, rule.Destination));
        Assert.Equal(("eth+", "!lo"), (rule.In, rule.Out));
        Assert.Equal((12ul, 3456ul), (rule.Packets, rule.Bytes));
        Assert.Equal("a \"b\" c", rule.Matches.Find("comment")?.Options[0].Value);
        RuleOption ports = rule.Matches.Find("multiport")!.Value.Options[0];
        Assert.True(ports.IsNegated);
        Assert.Equal([new PortRange(1, 1), new PortRange(2, 5)], ports.ToPorts());
    }

    [Theory]
    [InlineData("-A INPUT -s ! 10.0.0.0/8 -p ! tcp -i ! eth0", "!10.0.0.0/8", "!tcp", "!eth0")]
    [InlineData("-A INPUT ! --source 10.0.0.0/8 ! --protocol=6 ! --in-interface eth0", "!10.0.0.0/8", "!tcp", "!eth0")]
    public void Negation_is_understood_in_its_old_and_new_place(string line, string source, string protocol, string from)
    {
        Rule rule = One(line);
        Assert.Equal((source, protocol, from), (rule.Source, rule.Protocol, rule.In));
    }

    [Theory]
    [InlineData("-A INPUT -i lo -c 42 978924000000 -j ACCEPT")]
    [InlineData("-A INPUT -c 42,978924000000 -i lo -j ACCEPT")]
    [InlineData("-A INPUT -i lo -m comment --comment \"a b\" -j ACCEPT -c 42 978924000000")]
    [InlineData("-A INPUT -i lo -j ACCEPT --set-counters 42 978924000000")]
    [InlineData("-A INPUT -i lo --set-counters=42,978924000000 -j ACCEPT")]
    [InlineData("[42:978924000000] -A INPUT -i lo -j ACCEPT")]
    public void Counters_stand_before_a_rule_and_among_its_options(string line)
    {
        Rule rule = One(line);
        Assert.Equal(("lo", "ACCEPT", 42ul, 978_924_000_000ul), (rule.In, rule.Target, rule.Packets, rule.Bytes));
        Assert.Empty(rule.TargetOptions);
    }

    [Theory]
    [InlineData("-A INPUT -c 42 -j ACCEPT", 16)]
    [InlineData("-A INPUT -j ACCEPT -c 42", 20)]
    [InlineData("-A INPUT -c 42,x -j ACCEPT", 13)]
    [InlineData("-A INPUT ! -c 42 43 -j ACCEPT", 15)]
    public void Counters_that_are_none_are_refused_with_their_place(string line, int column)
    {
        RulesetError error = Assert.Throws<RulesetSyntaxException>(() => One(line)).Error;
        Assert.Equal((6, column), (error.Line, error.Column));
    }

    [Fact]
    public void Free_text_that_looks_like_an_option_is_none() =>
        Assert.Equal("ACCEPT", One("-A INPUT -m comment --comment -j -j ACCEPT").Target);

    [Fact]
    public void An_option_of_the_policy_match_is_not_the_rules_protocol()
    {
        Rule rule = One("-A INPUT -p tcp -m policy --dir in --pol ipsec --strict --proto esp -j ACCEPT");
        Assert.Equal(("tcp", "esp"), (rule.Protocol, rule.Matches.Find("policy")?.Options.Find("--proto")?.Value));
        Assert.Equal("all", One("-A INPUT -m policy --dir in --pol ipsec --strict -m comment --comment x --proto esp").Protocol);
        Assert.Equal("esp", One("-A INPUT --proto esp -m policy --dir in --pol none").Protocol);
    }

    [Theory]
    [InlineData("CT         0    --  0.0.0.0/0            0.0.0.0/0            NOTRACK", "NOTRACK", "all")]
    [InlineData("CT         0    --  0.0.0.0/0            0.0.0.0/0            CT notrack", "CT", "all")]
    [InlineData("ACCEPT     108  --  0.0.0.0/0            0.0.0.0/0", "ACCEPT", "ipcomp")]
    [InlineData("ACCEPT     253  --  0.0.0.0/0            0.0.0.0/0", "ACCEPT", "253")]
    public void A_listing_has_the_names_that_iptables_saves(string line, string target, string protocol)
    {
        Rule rule = Assert.Single(RulesetReader.Read($"Chain PREROUTING (policy ACCEPT)\ntarget     prot opt source               destination         \n{line}\n").Rules);
        Assert.Equal((target, protocol), (rule.Target, rule.Protocol));
    }

    [Fact]
    public void More_words_than_a_chunk_holds_are_kept()
    {
        string[] values = [.. Enumerable.Range(0, 30_000).Select(i => $"v{i}")];
        Ruleset ruleset = RulesetReader.Read(Head + $"-A INPUT -m x --many {string.Join(' ', values)} -j ACCEPT\n-A INPUT -m y --z 1 -j DROP\n-A INPUT -m y --z 2\nCOMMIT\n");
        Rule[] rules = [.. ruleset.Rules];
        Assert.Equal(values, rules[0].Matches[0].Options[0].Values);
        Assert.Equal(["1", "2"], rules[1..].Select(rule => rule.Matches[0].Options[0].Value));
    }

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("hello world\n", 1, 1)]
    [InlineData("\u007fELF\0\0\0", 1, 1)]
    [InlineData("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\n", 4, 1)]
    [InlineData("*nat\n:POSTROUTING ACCEPT [0:0]\n-A NOWHERE -j MASQUERADE\nCOMMIT\n", 3, 4)]
    [InlineData("*nat\n-A POSTROUTING -s 10.0.0.0/99 -j MASQUERADE\nCOMMIT\n", 2, 19)]
    [InlineData("*nat\n-A POSTROUTING -m comment --comment \"open\nCOMMIT\n", 2, 37)]
    [InlineData("*nat\n-A POSTROUTING -s inside ! -s 10.0.0.0/8\nCOMMIT\n", 2, 31)]
    [InlineData("*nat\n-A POSTROUTING -j ACCEPT -g X\nCOMMIT\n", 2, 29)]
    [InlineData("*nat\n-A POSTROUTING -m \"\" -j MASQUERADE\nCOMMIT\n", 2, 19)]
    [InlineData("*nat\n-A POSTROUTING -o \"\" -j MASQUERADE\nCOMMIT\n", 2, 19)]
    [InlineData("*nat\n-A POSTROUTING -j MASQUERADE -o  \nCOMMIT\n", 2, 30)]
    [InlineData("*nat\n-A POSTROUTING -\u0173 10.0.0.0/8 -j MASQUERADE\nCOMMIT\n", 2, 16)]
    [InlineData("*nat\n-A POSTROUTING -\0x -j MASQUERADE\nCOMMIT\n", 2, 16)]
    [InlineData("*nat\n-A POSTROUTING --fragments=1 -j MASQUERADE\nCOMMIT\n", 2, 16)]
    [InlineData("*nat\n-A POSTROUTING -f1 -j MASQUERADE\nCOMMIT\n", 2, 16)]
    public void What_is_no_ruleset_is_refused_with_its_place_and_judged_unknown(string text, int line, int column)
    {
        RulesetSyntaxException error = Assert.Throws<RulesetSyntaxException>(() => RulesetReader.Read(text));
        Assert.Equal((line, column), (error.Line, error.Column));
        Ruleset lenient = RulesetReader.Read(text, RulesetReadMode.Lenient);
        Assert.True(lenient.IsPartial);
        Assert.Equal(NatStatus.Unknown, NatAssessment.Of([lenient], null).Status);
        Assert.Equal(NatStatus.Unknown, NatAssessment.OfText(text).Status);
    }

    [Theory]
    [InlineData("working.txt")]
    [InlineData("working.en.txt")]
    public void A_working_status_cut_off_anywhere_is_never_taken_for_a_verdict(string sample)
    {
        string text = Samples.Text(sample);
        for (int length = 0; length < text.Length; length++)
            Assert.Equal(NatStatus.Unknown, NatAssessment.OfText(text[..length]).Status);
    }

    [Fact]
    public void A_working_dump_cut_off_inside_a_table_is_never_taken_for_a_verdict()
    {
        string text = Samples.Text("working-save.txt");
        int first = text.IndexOf("COMMIT", StringComparison.Ordinal);
        for (int length = 0; length < first; length++)
            Assert.Equal(NatStatus.Unknown, NatAssessment.OfText(text[..length]).Status);
    }

    [Theory]
    [InlineData("working.txt")]
    [InlineData("working-save.txt")]
    [InlineData("erased.txt")]
    [InlineData("erased-list.txt")]
    public void Carriage_returns_and_a_byte_order_mark_change_nothing(string sample)
    {
        string text = Samples.Text(sample);
        Ruleset plain = RulesetReader.Read(text);
        Ruleset marked = RulesetReader.Read("\uFEFF" + text.ReplaceLineEndings("\r\n"));
        Assert.Equal(plain.Rules.Select(Fields), marked.Rules.Select(Fields));
        Assert.Equal(NatAssessment.Of([plain], null).Status, NatAssessment.Of([marked], null).Status);
    }

    [Theory]
    [InlineData("-A INPUT -s 1.1.1.1 -j ACCEPT\n-P FORWARD DROP\n-A INPUT -j DROP\n")]
    [InlineData("-A INPUT -s 1.1.1.1 -j ACCEPT\n-N X\n-A INPUT -j DROP\n")]
    [InlineData("-A INPUT -s 1.1.1.1 -j ACCEPT\n-X\n-A INPUT -j DROP\n")]
    [InlineData("-A INPUT -s 1.1.1.1 -j ACCEPT\n[x] -A INPUT -j LOG\n-A INPUT -j DROP\n")]
    [InlineData("-A INPUT -s 1.1.1.1 -j ACCEPT\n-A NONE -j LOG\n-A INPUT -j DROP\n")]
    [InlineData("-A INPUT -j ACCEPT\n-I INPUT 1 -j \"DROP\"\n")]
    [InlineData("[1:2] -A INPUT -j ACCEPT\n[3:4] -I INPUT 2 -j DROP\n-A FORWARD -j ACCEPT\n-I INPUT -j LOG\n")]
    public void Rules_whose_reading_is_put_off_are_the_same(string lines)
    {
        string text = Head + lines + "COMMIT\n";
        Assert.Equal(
            RulesetReader.Read(text, RulesetReadMode.Lenient).Rules.Select(rule => (rule.Text, rule.Number, rule.Target, rule.Packets)),
            RulesetReader.ReadDeferred(text, NetfilterFamily.Unknown).Rules.Select(rule => (rule.Text, rule.Number, rule.Target, rule.Packets)));
    }

    [Theory]
    [InlineData("-A INPUT -i lo -p tcp -m tcp --dport 80 -j ACCEPT")]
    [InlineData("-A INPUT  -i  lo   -p tcp  -m tcp   --dport  80  -j ACCEPT  ")]
    [InlineData("-A\tINPUT\t-i lo -p tcp -m tcp\t--dport 80 \t -j ACCEPT\t")]
    [InlineData("-A INPUT -ilo -p\"tcp\" -mtcp --dport 80 --jump=ACCEPT")]
    [InlineData("-A INPUT -i \"l\"o -p tcp -m tcp --dport 80 -j \"ACCEPT\"")]
    public void Blanks_and_quotes_around_words_change_nothing(string line)
    {
        Rule rule = One(line);
        Assert.Equal(("lo", "tcp", "ACCEPT"), (rule.In, rule.Protocol, rule.Target));
        RuleMatch match = Assert.Single(rule.Matches);
        Assert.Equal(("tcp", "--dport 80"), (match.Name, Assert.Single(match.Options).ToString()));
    }

    [Fact]
    public void An_address_of_any_length_is_read()
    {
        int[] numbers = [0, 7, 10, 99, 100, 199, 249, 250, 255];
        foreach (int first in numbers)
        {
            foreach (int second in numbers)
            {
                foreach (int length in (int[])[0, 1, 8, 9, 10, 24, 31, 32])
                {
                    string address = $"{first}.{second}.{first}.{second}";
                    Rule rule = One($"-A INPUT -s {address}/{length} -d {second}.0.0.{first} -j ACCEPT");
                    AddressPrefix? source = rule.SourceAddress;
                    Assert.Equal((address, (int?)length), (source?.Address?.ToString(), source?.PrefixLength));
                    Assert.Equal($"{second}.0.0.{first}", rule.Destination);
                }
            }
        }
    }

    [Theory]
    [InlineData("256.1.1.1")]
    [InlineData("1.1.1.256")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1..3.4")]
    [InlineData(".1.2.3")]
    [InlineData("1.2.3.")]
    [InlineData("1000.2.3.4")]
    [InlineData("1.2.3.4444")]
    [InlineData("1.2.3.4x")]
    public void What_is_no_address_is_a_name(string name) =>
        Assert.Equal(name, One($"-A INPUT -s {name} -j ACCEPT").SourceAddress?.Name);

    /// <summary>Words are looked for in blocks of 64 characters, and quotes can be open where one ends.</summary>
    [Fact]
    public void Words_are_found_wherever_they_lie()
    {
        for (int length = 0; length < 200; length++)
        {
            string comment = string.Concat(Enumerable.Repeat("a b ", 50))[..length] + "c";
            Rule rule = One($"-A INPUT -s 10.1.2.3/32 -m comment --comment \"{comment}\" -p tcp -j ACCEPT");
            Assert.Equal(
                ("10.1.2.3", "tcp", "ACCEPT", comment),
                (rule.Source, rule.Protocol, rule.Target, rule.Matches[0].Options[0].Value));
        }
    }

    private static (string, string, int, string?, string, string?) Fields(Rule rule) =>
        (rule.Table, rule.Chain, rule.Number, rule.Target, rule.Protocol, rule.Source);

    private static Rule One(string line) => Assert.Single(RulesetReader.Read(Head + line + "\nCOMMIT\n").Rules);
}
