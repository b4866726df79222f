using System.Globalization;
using BenchmarkDotNet.Running;
using NatDsa.Benchmarks;

// generate RULES: the text that RulesetBenchmarks would read, for bench/stream.sh.
if (args is ["generate", var rules])
{
    Console.Out.Write(GeneratedRuleset.KubeProxy(int.Parse(rules, CultureInfo.InvariantCulture)));
    return;
}

PerRuleTable.Write(BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args));
