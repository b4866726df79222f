using System.Text.Json;
using BenchmarkDotNet.Attributes;
using NatDsa.Netfilter;

namespace NatDsa.Benchmarks;

/// <summary>Reading nft's JSON, against <see cref="JsonDocument"/> over the same text, which knows nothing of rules.</summary>
[MemoryDiagnoser]
public class NftBenchmarks
{
    private string _text = "";

    /// <summary>How many rules the text holds.</summary>
    [Params(100, 5000, 100_000)]
    public int Rules { get; set; }

    /// <summary>Makes the text.</summary>
    [GlobalSetup]
    public void Generate() => _text = GeneratedNft.List(Rules);

    /// <summary>The limit that the reader is measured by.</summary>
    [Benchmark(Baseline = true, Description = "JsonDocument.Parse")]
    public int Parse()
    {
        using var document = JsonDocument.Parse(_text);
        return document.RootElement.GetProperty("nftables").GetArrayLength();
    }

    /// <summary>Reads every rule.</summary>
    [Benchmark(Description = "read nft -j")]
    public Ruleset Read() => RulesetReader.Read(_text);

    /// <summary>Reads and judges.</summary>
    [Benchmark(Description = "NAT status")]
    public NatAssessment Status() => NatAssessment.OfText(_text);
}
