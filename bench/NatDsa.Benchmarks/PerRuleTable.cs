using System.Globalization;
using BenchmarkDotNet.Reports;

namespace NatDsa.Benchmarks;

/// <summary>
/// The table of docs/performance.md: for each benchmark and ruleset the time of a rule, as a multiple of the baseline's in the same run, and
/// the memory of a rule. The time is the least of all iterations: what other programs on the machine take comes on top of it and never off.
/// </summary>
internal static class PerRuleTable
{
    public static void Write(IEnumerable<Summary> summaries)
    {
        foreach (Summary summary in summaries)
        {
            Measured[] measured = [.. summary.Reports.Where(report => report.ResultStatistics is not null).Select(Measured.Of)];
            string[] rulesets = [.. measured.Select(report => report.Ruleset).Distinct()];
            Console.WriteLine();
            Row(["", .. rulesets]);
            Row(["---", .. rulesets.Select(_ => "---")]);
            foreach (IGrouping<string, Measured> benchmark in measured.GroupBy(report => report.Benchmark))
                Row([benchmark.Key, .. rulesets.Select(ruleset => Cell(benchmark.FirstOrDefault(report => report.Ruleset == ruleset), measured))]);
        }
    }

    private static void Row(IEnumerable<string> cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    private static string Cell(Measured? report, Measured[] all)
    {
        if (report is null)
            return "";
        string cell = string.Create(CultureInfo.InvariantCulture, $"{report.Nanoseconds:F0} ns");
        if (all.FirstOrDefault(other => other.IsBaseline && other.Ruleset == report.Ruleset) is { } baseline && !report.IsBaseline)
            cell += string.Create(CultureInfo.InvariantCulture, $", {report.Nanoseconds / baseline.Nanoseconds:F2} ×");
        return report.Bytes < 1 ? cell : string.Create(CultureInfo.InvariantCulture, $"{cell}, {report.Bytes:F0} B");
    }

    private sealed record Measured(string Benchmark, string Ruleset, bool IsBaseline, double Nanoseconds, double Bytes)
    {
        public static Measured Of(BenchmarkReport report)
        {
            var parameters = report.BenchmarkCase.Parameters;
            string ruleset = string.Join(", ", parameters.Items.Select(item => item.Value));
            int rules = (parameters.Items[0].Value as RulesetKind)?.Rules ?? (int)parameters.Items[0].Value;
            return new Measured(
                report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\''),
                ruleset,
                report.BenchmarkCase.Descriptor.Baseline,
                report.ResultStatistics!.Min / rules,
                (report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0) / (double)rules);
        }
    }
}
