using CsCheck;
using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.Tests.Netfilter;

/// <summary>Rulesets that are made from models, not from text: what is written is what the model says, and reading it gives the model again.</summary>
public sealed class GeneratedModelTests
{
    private static readonly Gen<string> s_address = Gen.OneOf(
        Gen.Select(Gen.UInt, Gen.Int[0, 32], (address, length) => $"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}" + (length == 32 ? "" : $"/{length}")),
        Gen.Select(Gen.UShort, Gen.Int[1, 127], (part, length) => $"fd00:{part | 0x1000:x}::1/{length}"),
        AnyOf("10.0.0.0/255.0.255.0", "host.example"));

    private static readonly Gen<string> s_interface = AnyOf("eth0", "eth+", "br-0123456789ab", "ppp12");

    // Everything that a quoted word can hold; a lone quote, and nothing, among it.
    private static readonly Gen<string> s_freeText = Gen.OneOf(
        Gen.String[Gen.Char[" \t\"\\'-!#*:[]abc=,境\u00e9"], 1, 12],
        AnyOf("-j", "!", "COMMIT", "--comment", "a b", "\"", "\\", "x\\"));

    private static readonly Gen<Option> s_matchOption = Gen.OneOf(
        s_freeText.Select(text => new Option("comment", "--comment", false, text)),
        Gen.Select(Gen.Bool, Gen.UShort, (negated, port) => new Option("tcp", "--dport", negated, $"{port}")),
        Gen.Select(Gen.Bool, Gen.UShort[0, 1000], (negated, port) => new Option("multiport", "--dports", negated, $"{port},{port + 1}:{port + 9}")),
        Gen.Bool.Select(negated => new Option("tcp", "--syn", negated, null)),
        Gen.Select(Gen.Bool, Gen.UInt, (negated, mark) => new Option("mark", "--mark", negated, $"0x{mark:x}/0xff")),
        s_freeText.Select(text => new Option("string", "--string", false, text)),
        Gen.UInt.Select(number => new Option($"unknown{number % 5}", "--whatever", false, $"{number}")));

    private static readonly Gen<(string? Target, Option? Option)> s_target = Gen.OneOf(
        AnyOf<(string?, Option?)>((null, null), ("ACCEPT", null), ("DROP", null), ("RETURN", null), ("MASQUERADE", null), ("A", null), ("B-2", null)),
        Gen.UShort.Select(port => ((string?)"SNAT", (Option?)new Option("", "--to-source", false, $"192.0.2.{port & 255}:{port}"))),
        s_freeText.Select(text => ((string?)"LOG", (Option?)new Option("", "--log-prefix", false, text))));

    private static readonly Gen<Specification> s_rule = Gen.Select(
        Gen.Select(s_address.Null(), s_address.Null(), s_interface.Null(), s_interface.Null()),
        AnyOf("all", "tcp", "udp", "ipv6-icmp", "99"),
        Gen.Int[0, 31],
        s_matchOption.Array[0, 3],
        s_target,
        Gen.Select(Gen.ULong, Gen.ULong).Nullable(),
        (places, protocol, bits, matches, target, counters) =>
            new Specification(places.Item1, places.Item2, places.Item3, places.Item4, protocol, bits, matches, target.Target, target.Option, counters));

    private static readonly Gen<(string Chain, Specification Rule)> s_line = Gen.Select(AnyOf("POSTROUTING", "OUTPUT", "A", "B-2"), s_rule);

    private static readonly Gen<(string Table, (string Chain, Specification Rule)[] Lines)[]> s_model =
        Gen.Select(s_line.Array[0, 8], s_line.Array[0, 8], (nat, raw) => new[] { ("nat", nat), ("mangle", raw) });

    [Fact]
    public void A_model_is_written_and_read_again_as_itself() => s_model.Sample(
        model =>
        {
            Ruleset built = Build(model);
            string text = IptablesSaveWriter.Write(built);
            Ruleset read = RulesetReader.Read(text);
            foreach ((string name, (string Chain, Specification Rule)[] lines) in model)
            {
                Table table = read.FindTable(name)!;
                foreach (IGrouping<string, Specification> chain in lines.GroupBy(line => line.Chain, line => line.Rule))
                    Assert.Equal(chain.Select(rule => rule.Description), table.Chains.Find(chain.Key)!.Rules.Select(Describe));
            }

            Assert.Equal(text, IptablesSaveWriter.Write(read));
            Assert.Equal(built.Rules.Select(rule => rule.Text), read.Rules.Select(rule => rule.Text));
        },
        iter: 5_000);

    [Fact]
    public void Changes_do_to_a_ruleset_what_they_do_to_lists_of_rules() => Gen.Select(s_model, Gen.Select(Gen.Int[0, 3], Gen.Int[0, 1000], s_line).Array[1, 12]).Sample(
        (model, changes) =>
        {
            Ruleset ruleset = Build(model);
            var expected = ruleset.FindTable("nat")!.Chains.ToDictionary(chain => chain.Name, chain => chain.Rules.Select(rule => rule.Text).ToList());
            foreach ((int kind, int number, (string name, Specification rule)) in changes)
            {
                List<string> chain = expected[name];
                Chain real = ruleset.FindTable("nat")!.Chains.Find(name)!;
                string line = rule.Line(name);
                switch (kind)
                {
                    case 0:
                        chain.Add(line);
                        ruleset = ruleset.With("nat", line);
                        break;
                    case 1:
                        int place = number % (chain.Count + 1);
                        chain.Insert(place, line);
                        ruleset = ruleset.With("nat", line.Replace($"-A {name}", $"-I {name} {place + 1}", StringComparison.Ordinal));
                        break;
                    case 2 when chain.Count > 0:
                        chain.RemoveAt(number % chain.Count);
                        ruleset = ruleset.Without(real.Rules[number % real.Rules.Count]);
                        break;
                    case 3 when chain.Count > 0:
                        chain[number % chain.Count] = line;
                        ruleset = ruleset.Replace(real.Rules[number % real.Rules.Count], line);
                        break;
                }
            }

            Ruleset read = RulesetReader.Read(IptablesSaveWriter.Write(ruleset));
            foreach ((string name, List<string> lines) in expected)
                Assert.Equal(lines, read.FindTable("nat")!.Chains.Find(name)!.Rules.Select(rule => rule.Text));
            // The other table has not been touched.
            Assert.Equal(model[1].Lines.Length, read.FindTable("mangle")!.Rules.Count());
        },
        iter: 2_000);

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(number => values[number]);

    private static Ruleset Build((string Table, (string Chain, Specification Rule)[] Lines)[] model)
    {
        Ruleset ruleset = Ruleset.WithoutTables(RulesetFormat.IptablesSave, NetfilterFamily.IPv4);
        foreach ((string table, (string Chain, Specification Rule)[] lines) in model)
            ruleset = ruleset.With(table, ["-N A", "-N B-2", .. lines.Select(line => line.Rule.Line(line.Chain))]);
        return ruleset;
    }

    private static string Describe(Rule rule)
    {
        var matches = new List<string>();
        foreach (RuleMatch match in rule.Matches)
        {
            foreach (RuleOption option in match.Options)
                matches.Add(new Option(match.Name, option.Name, option.IsNegated, option.Value).ToString());
        }

        string targetOptions = string.Join("; ", rule.TargetOptions.Select(option => new Option("", option.Name, option.IsNegated, option.Value)));
        return $"{rule.Packets}:{rule.Bytes} {rule.Source}>{rule.Destination} {rule.In}>{rule.Out} {rule.Protocol} {rule.Fragment} [{string.Join("; ", matches)}] {rule.Target} {rule.IsGoto} [{targetOptions}]";
    }

    /// <summary>An option of a match, or with no match's name, of a target.</summary>
    private sealed record Option(string Match, string Name, bool IsNegated, string? Value)
    {
        public string Words => $"{(IsNegated ? "! " : "")}{Name}{(Value is null ? "" : " ")}{(Value is null ? "" : RuleText.Quote(Value))}";
    }

    /// <summary>A rule as a model has it: its parts.</summary>
    private sealed record Specification(
        string? Source, string? Destination, string? In, string? Out, string Protocol, int Bits, Option[] Matches, string? Target, Option? TargetOption, (ulong Packets, ulong Bytes)? Counters)
    {
        private bool IsSourceNegated => (Bits & 1) != 0;

        private bool IsOutNegated => (Bits & 2) != 0;

        private bool IsProtocolNegated => (Bits & 4) != 0 && Protocol != "all";

        private bool IsGoto => (Bits & 8) != 0 && Target is "A" or "B-2";

        private bool IsFragment => (Bits & 16) != 0;

        public string Line(string chain)
        {
            var words = new List<string>();
            if (Counters is { } counters)
                words.Add($"[{counters.Packets}:{counters.Bytes}]");
            words.Add($"-A {chain}");
            if (Source is not null)
                words.Add($"{(IsSourceNegated ? "! " : "")}-s {Source}");
            if (Destination is not null)
                words.Add($"-d {Destination}");
            if (In is not null)
                words.Add($"-i {In}");
            if (Out is not null)
                words.Add($"{(IsOutNegated ? "! " : "")}-o {Out}");
            if (Protocol != "all")
                words.Add($"{(IsProtocolNegated ? "! " : "")}-p {Protocol}");
            if (IsFragment)
                words.Add("-f");
            words.AddRange(Matches.Select(match => $"-m {match.Match} {match.Words}"));
            if (Target is not null)
                words.Add($"{(IsGoto ? "-g" : "-j")} {Target}");
            if (TargetOption is not null)
                words.Add(TargetOption.Words);
            return string.Join(' ', words);
        }

        public string Description
        {
            get
            {
                string source = Source is null ? "" : (IsSourceNegated ? "!" : "") + Source;
                string outInterface = Out is null ? "" : (IsOutNegated ? "!" : "") + Out;
                string fragment = IsFragment ? nameof(FragmentMatch.Further) : nameof(FragmentMatch.Any);
                return $"{Counters?.Packets}:{Counters?.Bytes} {source}>{Destination} {In}>{outInterface} {(IsProtocolNegated ? "!" : "")}{Protocol} {fragment} [{string.Join("; ", (object[])Matches)}] {Target} {IsGoto} [{TargetOption}]";
            }
        }
    }
}
