using CsCheck;
using Xunit;

namespace NatDsa.Tests.Compare;

/// <summary>What an alignment says of two sequences is true of them, and keeps as much as can be kept.</summary>
public sealed class RuleAlignmentTests
{
    private static readonly Gen<(int[] Reference, int[] Difference)> s_sequences = Gen.Int[2, 24].SelectMany(
        letters => Gen.Select(Gen.Int[0, letters].Array[0, 24], Gen.Int[0, letters].Array[0, 24]));

    [Fact]
    public void Each_place_is_kept_moved_or_new_and_none_comes_from_two() => s_sequences.Sample(
        (reference, difference) =>
        {
            var alignment = RuleAlignment.Of(reference, difference);
            int[] origins = [.. alignment.KeptFrom.Concat(alignment.MovedFrom).Where(place => place >= 0)];
            Assert.Equal(origins.Length, origins.Distinct().Count());
            for (int i = 0; i < difference.Length; i++)
            {
                Assert.False(alignment.KeptFrom[i] >= 0 && alignment.MovedFrom[i] >= 0);
                int from = Math.Max(alignment.KeptFrom[i], alignment.MovedFrom[i]);
                Assert.True(from < 0 || reference[from] == difference[i]);
            }

            int[] kept = [.. alignment.KeptFrom.Where(place => place >= 0)];
            Assert.Equal(kept.Order(), kept);
            // What comes on both sides is never new on one and gone on the other.
            foreach (IGrouping<int, int> rule in difference.GroupBy(rule => rule))
            {
                int known = difference.Index().Count(one => one.Item == rule.Key && Math.Max(alignment.KeptFrom[one.Index], alignment.MovedFrom[one.Index]) >= 0);
                Assert.Equal(Math.Min(rule.Count(), reference.Count(one => one == rule.Key)), known);
            }
        },
        iter: 20_000);

    [Fact]
    public void As_many_as_possible_are_kept() => s_sequences.Where(s => Repetitions(s.Reference) <= RuleAlignment.MaxRepetitions && Repetitions(s.Difference) <= RuleAlignment.MaxRepetitions).Sample(
        (reference, difference) => Assert.Equal(LongestCommon(reference, difference), RuleAlignment.Of(reference, difference).KeptFrom.Count(place => place >= 0)),
        iter: 20_000);

    [Fact]
    public void Sequences_of_one_rule_repeated_are_aligned_in_order()
    {
        int[] reference = new int[50_000], difference = new int[49_999];
        Assert.All(RuleAlignment.Of(reference, difference).KeptFrom, place => Assert.InRange(place, 0, reference.Length - 1));
        // In the middle, where no common beginning or end helps.
        (reference[0], reference[^1], difference[0], difference[^1]) = (1, 2, 3, 4);
        Assert.Equal(49_997, RuleAlignment.Of(reference, difference).KeptFrom.Count(place => place >= 0));
    }

    [Fact]
    public void A_sequence_turned_round_keeps_one_and_moves_the_rest()
    {
        int[] reference = [.. Enumerable.Range(0, 100_000)];
        var alignment = RuleAlignment.Of(reference, reference.Reverse().ToArray());
        Assert.Equal((1, 99_999), (alignment.KeptFrom.Count(place => place >= 0), alignment.MovedFrom.Count(place => place >= 0)));
    }

    private static int Repetitions(int[] rules) => rules.GroupBy(rule => rule).Select(rule => rule.Count()).DefaultIfEmpty().Max();

    private static int LongestCommon(int[] one, int[] other)
    {
        int[,] lengths = new int[one.Length + 1, other.Length + 1];
        for (int i = 1; i <= one.Length; i++)
        {
            for (int j = 1; j <= other.Length; j++)
                lengths[i, j] = one[i - 1] == other[j - 1] ? lengths[i - 1, j - 1] + 1 : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
        }

        return lengths[one.Length, other.Length];
    }
}
