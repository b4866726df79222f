using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>How often a cmdlet goes to a host: once to ask, and once more for a change that is over at once.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("Get-NatIptablesState", 1)]
    [InlineData("Get-NatIptablesRule", 1)]
    [InlineData("Get-DsaAgentState", 1)]
    [InlineData("Test-DsaMarkerFile", 1)]
    [InlineData("Set-DsaMarkerFile", 1)]
    [InlineData("Remove-DsaMarkerFile -Confirm:0", 1)]
    [InlineData("Test-NatEgress", 1)]
    [InlineData("Repair-DsaNatHost -WhatIf", 1)]
    [InlineData("Repair-DsaNatHost -Confirm:0", 2)]
    public void A_question_is_one_round_trip_and_a_repair_two(string command, int runs)
    {
        var host = new ToldHost();
        _module.Run($"$input | {command}", host.Record);
        Assert.Equal(runs, host.Runs);
        Assert.Equal(host.Held, host.LetGo);
        Assert.True(host.Held > 0);
    }
}
