using BenchmarkDotNet.Attributes;
using NatDsa.Netfilter;

namespace NatDsa.Benchmarks;

/// <summary>Comparing rulesets that have been read: with themselves, with every rule changed, and with every chain turned round.</summary>
[InProcess]
[MemoryDiagnoser]
public class ComparisonBenchmarks
{
    private ComparedRules _reference = null!;
    private ComparedRules _changed = null!;
    private ComparedRules _turned = null!;

    /// <summary>One shape in two sizes, which shows how the time grows.</summary>
    public static IEnumerable<RulesetKind> Kinds => [new("gateway", 5_000), new("gateway", 50_000)];

    [ParamsSource(nameof(Kinds))]
    public RulesetKind Ruleset { get; set; } = null!;

    [GlobalSetup]
    public void Generate()
    {
        string text = Ruleset.Save();
        _reference = Read(text);
        _changed = Read(text.Replace(" -j ", " -m mark --mark 0x1 -j ", StringComparison.Ordinal));
        string[] lines = text.Split('\n');
        // Rules lie between a table's chains and its COMMIT.
        for (int start = 0; start < lines.Length; start++)
        {
            int end = start;
            while (end < lines.Length && lines[end].StartsWith("-A", StringComparison.Ordinal))
                end++;
            Array.Reverse(lines, start, end - start);
            start = end;
        }

        _turned = Read(string.Join('\n', lines));
    }

    [Benchmark(Description = "the same")]
    public object Same() => RulesetComparison.Of(_reference, _reference, includeCounters: false);

    [Benchmark(Description = "every rule changed")]
    public object Changed() => RulesetComparison.Of(_reference, _changed, includeCounters: false);

    [Benchmark(Description = "every chain turned round")]
    public object Turned() => RulesetComparison.Of(_reference, _turned, includeCounters: false);

    private static ComparedRules Read(string text) => new(null, [RulesetReader.Read(text)], IsWhole: false);
}
