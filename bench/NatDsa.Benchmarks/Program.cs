using System.Diagnostics;
using NatDsa;
using NatDsa.Benchmarks;
using NatDsa.Netfilter;

foreach (int n in (int[])[100, 5000, 100000])
{
    string text = GeneratedRuleset.Save(n);
    int rules = RulesetReader.Read(text).Rules.Count();
    Console.WriteLine($"{n}: {rules} rules {text.Length} chars {text.Length / (double)rules:F1}/rule words {Baselines.Scan(text) / (double)rules:F1}");
    void M(string what, Action a)
    {
        int reps = Math.Max(3, 1_000_000 / n);
        for (int i = 0; i < reps / 3 + 1; i++) a();
        Thread.Sleep(150);
        for (int i = 0; i < reps / 3 + 1; i++) a();
        double best = double.MaxValue;
        long alloc = 0;
        for (int k = 0; k < 5; k++)
        {
            long b = GC.GetAllocatedBytesForCurrentThread();
            var w = Stopwatch.StartNew();
            for (int i = 0; i < reps; i++) a();
            best = Math.Min(best, w.Elapsed.TotalNanoseconds / reps / rules);
            alloc = (GC.GetAllocatedBytesForCurrentThread() - b) / reps / rules;
        }
        Console.WriteLine($"  {what,-20} {best,8:F1} ns/rule {alloc,6} B/rule");
    }
    M("scan", () => Baselines.Scan(text));
    M("scanchar", () => Baselines.ScanByCharacter(text));
    M("split", () => Baselines.Split(text));
    M("read", () => RulesetReader.Read(text));
    var rs = RulesetReader.Read(text);
    M("assess", () => NatAssessment.Of([rs], true));
    M("status", () => NatAssessment.OfText(text, true));
    M("write", () => IptablesSaveWriter.Write(rs));
}
