using System.Runtime.CompilerServices;
using NatDsa.Host;

namespace NatDsa;

/// <summary>An ssh that dies under a test must not take the other tests along.</summary>
internal static class SurvivingBrokenSsh
{
    [ModuleInitializer]
    internal static void Begin() => BrokenSsh.Survive();
}
