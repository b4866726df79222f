using BenchmarkDotNet.Attributes;
using NatDsa.Netfilter;

namespace NatDsa.Benchmarks;

/// <summary>A generated ruleset: its shape, and how many rules it has.</summary>
public sealed record RulesetKind(string Shape, int Rules)
{
    /// <summary>Its text, as iptables-save prints it.</summary>
    public string Save() => Shape == "gateway" ? GeneratedRuleset.Gateway(Rules) : GeneratedRuleset.KubeProxy(Rules);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Shape} {Rules:N0}");
}

/// <summary>
/// Reading and writing iptables-save, against going through the same text. Many short iterations, so that on a busy machine some are not
/// interrupted; <see cref="PerRuleTable"/> takes the shortest. No collection is forced between them: what comes after it would pay for the first touch of new memory.
/// </summary>
[InProcess]
[GcForce(false)]
[MemoryDiagnoser]
[MinColumn]
[WarmupCount(500)]
[IterationCount(100)]
[IterationTime(4)]
public class RulesetBenchmarks
{
    private string _text = "";
    private Ruleset _read = null!;
    private Ruleset _listed = null!;

    /// <summary>Both shapes, and one of them in two sizes, which shows whether time and memory grow with the rules.</summary>
    public static IEnumerable<RulesetKind> Kinds => [new("gateway", 100), new("gateway", 5_000), new("kube-proxy", 5_000), new("kube-proxy", 100_000)];

    [ParamsSource(nameof(Kinds))]
    public RulesetKind Ruleset { get; set; } = null!;

    [GlobalSetup]
    public void Generate()
    {
        _text = Ruleset.Save();
        _read = RulesetReader.Read(_text);
        _listed = RulesetReader.Read(ListRules(_read));
    }

    [Benchmark(Baseline = true, Description = "scan")]
    public long Scan() => Baselines.Scan(_text);

    [Benchmark(Description = "scan, quotes ignored")]
    public long ScanBlanks() => Baselines.ScanBlanks(_text);

    [Benchmark(Description = "scan by IndexOf, quotes ignored")]
    public long ScanByIndexOf() => Baselines.ScanByIndexOf(_text);

    [Benchmark(Description = "split")]
    public int Split() => Baselines.Split(_text);

    [Benchmark(Description = "read")]
    public Ruleset Read() => RulesetReader.Read(_text);

    [Benchmark(Description = "read, and ask every rule for everything")]
    public long ReadEverything() => Everything.Touch(RulesetReader.Read(_text));

    [Benchmark(Description = "NAT status")]
    public NatAssessment Status() => NatAssessment.OfText(_text);

    [Benchmark(Description = "write a model")]
    public string Write() => IptablesSaveWriter.Write(_listed);

    [Benchmark(Description = "take every tenth rule out, and write")]
    public string Change() => IptablesSaveWriter.Write(_read.Without([.. _read.Rules.Where((_, number) => number % 10 == 0)]));

    /// <summary>The tables as iptables -S prints them: a text that is not what is written, so that writing it has to be done.</summary>
    private static string ListRules(Ruleset ruleset) => string.Concat(
        ruleset.TableList.SelectMany(
            table => table.Chains.Select(chain => chain.IsBuiltIn ? $"-P {chain.Name} {chain.PolicyText}\n" : $"-N {chain.Name}\n").Concat(table.Rules.Select(rule => rule.Text + "\n"))));
}
