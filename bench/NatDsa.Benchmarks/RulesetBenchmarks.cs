using BenchmarkDotNet.Attributes;
using NatDsa.Netfilter;

namespace NatDsa.Benchmarks;

/// <summary>Reading iptables-save, against going through the same text.</summary>
[MemoryDiagnoser]
public class RulesetBenchmarks
{
    private string _text = "";

    [Params(100, 5000, 100_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void Generate() => _text = GeneratedRuleset.Save(Rules);

    [Benchmark(Baseline = true, Description = "scan")]
    public long Scan() => Baselines.Scan(_text);

    [Benchmark(Description = "scan by character")]
    public long ScanByCharacter() => Baselines.ScanByCharacter(_text);

    [Benchmark(Description = "split")]
    public int Split() => Baselines.Split(_text);

    [Benchmark(Description = "read")]
    public Ruleset Read() => RulesetReader.Read(_text);

    [Benchmark(Description = "read, and ask every rule for everything")]
    public long ReadEverything() => Everything.Touch(RulesetReader.Read(_text));

    [Benchmark(Description = "NAT status")]
    public NatAssessment Status() => NatAssessment.OfText(_text);
}
