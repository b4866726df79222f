using System.Runtime.CompilerServices;
using NatDsa.Targets;

namespace NatDsa.Tests.Ssh;

/// <summary>The tests get the SSH transport as the module does: out of its own context. Nothing of it lies in the tests' folder.</summary>
internal static class SshTransport
{
    [ModuleInitializer]
    internal static void Register() => SshAssemblies.Register();
}
