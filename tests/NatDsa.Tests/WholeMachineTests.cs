using Xunit;

namespace NatDsa.Tests;

/// <summary>Tests with as many hosts at once as a machine carries, each of which must answer in time: they run one by one, when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeMachineTests
{
    /// <summary>The collection's name.</summary>
    public const string Name = "The whole machine";
}
