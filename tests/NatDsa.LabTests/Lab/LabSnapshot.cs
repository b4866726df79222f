using System.Text;
using System.Text.RegularExpressions;

namespace NatDsa.LabTests;

/// <summary>
/// A host at one moment: its rules in both back ends and families, without counters, and every file of its own with
/// mode, owner and content. Logs, caches and times are left out.
/// </summary>
public sealed partial class LabSnapshot
{
    internal LabSnapshot(string text) => Lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>One fact a line, as <c>tests/Lab/lib/snapshot.sh</c> writes them.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>What is different in a later snapshot, a line each with <c>-</c> or <c>+</c>; empty when nothing is.</summary>
    /// <param name="later">The other snapshot.</param>
    /// <param name="except">What may differ: paths, each with everything below it, and beginnings of other lines.</param>
    public string DifferenceTo(LabSnapshot later, params string[] except)
    {
        var before = Lines.Where(line => !IsBelow(line, except)).ToArray();
        var after = later.Lines.Where(line => !IsBelow(line, except)).ToArray();

        // The longest common subsequence: rules have an order, and many lines are alike.
        var common = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
            {
                common[i, j] = before[i] == after[j]
                    ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        var difference = new StringBuilder();
        var (left, right) = (0, 0);
        while (left < before.Length || right < after.Length)
        {
            if (left < before.Length && right < after.Length && before[left] == after[right])
                (left, right) = (left + 1, right + 1);
            else if (right == after.Length || (left < before.Length && common[left + 1, right] >= common[left, right + 1]))
                difference.Append("- ").Append(before[left++]).Append('\n');
            else
                difference.Append("+ ").Append(after[right++]).Append('\n');
        }

        return difference.ToString();
    }

    /// <summary>A difference without chains of iptables' own that are there and empty, and accept everything: iptables-nft makes them when it likes.</summary>
    public static string WithoutEmptyChains(string difference) => EmptyChain().Replace(difference, "");

    [GeneratedRegex(@"^[+-] rules nft: (ip6?|bridge) [a-z]+ [A-Z]+: \t+(chain [A-Z]+ \{|type .* policy accept;)\n", RegexOptions.Multiline)]
    private static partial Regex EmptyChain();

    private static bool IsBelow(string line, string[] paths) =>
        paths.Any(path =>
            (path[0] != '/' && line.StartsWith(path, StringComparison.Ordinal))
            || line.StartsWith($"path {path}:", StringComparison.Ordinal)
            || line.StartsWith($"path {path}/", StringComparison.Ordinal));
}
