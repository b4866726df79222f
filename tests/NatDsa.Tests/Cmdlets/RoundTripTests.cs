using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>How often a change goes to its host when it is over at once, as none is on a real host.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Fact]
    public void A_repair_is_two_round_trips_and_lets_its_connection_go()
    {
        var host = new ToldHost();
        _module.Run("$input | Repair-DsaNatHost -Confirm:0", host.Record);
        Assert.Equal(2, host.Runs);
        Assert.Equal(host.Held, host.LetGo);
        Assert.True(host.Held > 0);
    }
}
