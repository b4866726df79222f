using NatDsa.Netfilter;
using NatDsa.Tests.Netfilter;
using Xunit;

namespace NatDsa.Tests.Diagnosis;

public sealed class NatAssessmentTests
{
    [Theory]
    [InlineData("working.txt", NatStatus.Healthy)]
    [InlineData("working.en.txt", NatStatus.Healthy)]
    [InlineData("working-save.txt", NatStatus.Healthy)]
    [InlineData("working-list.txt", NatStatus.Healthy)]
    [InlineData("working-nft.json", NatStatus.Healthy)]
    [InlineData("working-native-nft.json", NatStatus.Healthy)]
    [InlineData("erased-nft.json", NatStatus.Erased)]
    [InlineData("erased.txt", NatStatus.Erased)]
    [InlineData("erased.en.txt", NatStatus.Erased)]
    [InlineData("erased-save.txt", NatStatus.Erased)]
    [InlineData("erased-list.txt", NatStatus.Erased)]
    public void The_samples_are_what_they_are_called(string sample, NatStatus status)
    {
        NatAssessment assessment = NatAssessment.Of([RulesetReader.Read(Samples.Text(sample))], null);
        Assert.Equal(status, assessment.Status);
        Assert.NotEmpty(assessment.Reason);
        Assert.Equal(status == NatStatus.Healthy, assessment.SourceNatRules.Count > 0);
    }
}
