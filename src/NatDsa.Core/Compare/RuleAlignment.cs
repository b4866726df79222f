namespace NatDsa;

/// <summary>
/// How one sequence of rules became another: which were kept in their order, and which of the others only moved. As many as can be are kept,
/// unless a rule comes very often. The time is that of sorting, whatever the sequences are.
/// </summary>
internal sealed class RuleAlignment
{
    /// <summary>A rule that comes more often is met in order only: the first with the first, and so on.</summary>
    public const int MaxRepetitions = 16;

    private RuleAlignment(int[] kept, int[] moved) => (KeptFrom, MovedFrom) = (kept, moved);

    /// <summary>For each place of the difference, where the reference has the rule that was kept there; -1: it was not kept.</summary>
    public int[] KeptFrom { get; }

    /// <summary>For each place of the difference, where the reference has the rule that moved there; -1: it did not move.</summary>
    public int[] MovedFrom { get; }

    /// <summary>Aligns two sequences of rules' numbers; the same number is the same rule.</summary>
    public static RuleAlignment Of(ReadOnlySpan<int> reference, ReadOnlySpan<int> difference)
    {
        int[] kept = new int[difference.Length];
        int[] moved = new int[difference.Length];
        Array.Fill(kept, -1);
        Array.Fill(moved, -1);
        int start = reference.CommonPrefixLength(difference);
        for (int i = 0; i < start; i++)
            kept[i] = i;
        int referenceEnd = reference.Length, end = difference.Length;
        while (referenceEnd > start && end > start && reference[referenceEnd - 1] == difference[end - 1])
            kept[--end] = --referenceEnd;

        Dictionary<int, List<int>> places = PlacesOf(reference, start, referenceEnd);
        Keep(places, CountsOf(difference[start..end]), difference, start, end, kept);

        // What is left of the same rule on both sides has moved.
        var usedPlaces = new HashSet<int>(kept);
        var next = new Dictionary<int, int>();
        for (int i = start; i < end; i++)
        {
            if (kept[i] >= 0 || !places.TryGetValue(difference[i], out List<int>? its))
                continue;
            int nth = next.GetValueOrDefault(difference[i]);
            while (nth < its.Count && usedPlaces.Contains(its[nth]))
                nth++;
            if (nth < its.Count)
                moved[i] = its[nth++];
            next[difference[i]] = nth;
        }

        return new RuleAlignment(kept, moved);
    }

    private static Dictionary<int, List<int>> PlacesOf(ReadOnlySpan<int> rules, int start, int end)
    {
        var places = new Dictionary<int, List<int>>();
        for (int i = start; i < end; i++)
        {
            if (!places.TryGetValue(rules[i], out List<int>? its))
                places[rules[i]] = its = [];
            its.Add(i);
        }

        return places;
    }

    private static Dictionary<int, int> CountsOf(ReadOnlySpan<int> rules)
    {
        var counts = new Dictionary<int, int>();
        foreach (int rule in rules)
            counts[rule] = counts.GetValueOrDefault(rule) + 1;
        return counts;
    }

    /// <summary>
    /// Finds the longest common subsequence, as Hunt and Szymanski do: the places in the reference of each rule of the difference, the last place
    /// first, have the common subsequences as their strictly increasing subsequences, the longest of which patience sorting finds.
    /// </summary>
    private static void Keep(Dictionary<int, List<int>> places, Dictionary<int, int> counts, ReadOnlySpan<int> difference, int start, int end, int[] kept)
    {
        var pairs = new List<(int Reference, int Difference, int Before)>();
        var piles = new List<int>();
        var seen = new Dictionary<int, int>();
        for (int i = start; i < end; i++)
        {
            if (!places.TryGetValue(difference[i], out List<int>? its))
                continue;
            if (its.Count <= MaxRepetitions && counts[difference[i]] <= MaxRepetitions)
            {
                for (int k = its.Count - 1; k >= 0; k--)
                    Lay(its[k], i);
                continue;
            }

            int nth = seen.GetValueOrDefault(difference[i]);
            seen[difference[i]] = nth + 1;
            if (nth < its.Count)
                Lay(its[nth], i);
        }

        for (int pair = piles.Count > 0 ? piles[^1] : -1; pair >= 0; pair = pairs[pair].Before)
            kept[pairs[pair].Difference] = pairs[pair].Reference;

        void Lay(int place, int at)
        {
            int low = 0, high = piles.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (pairs[piles[middle]].Reference < place)
                    low = middle + 1;
                else
                    high = middle;
            }

            pairs.Add((place, at, low == 0 ? -1 : piles[low - 1]));
            if (low == piles.Count)
                piles.Add(pairs.Count - 1);
            else
                piles[low] = pairs.Count - 1;
        }
    }
}
