using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace NatDsa;

/// <summary>
/// An ssh that dies under a test must not take the other tests along: what PowerShell's remoting throws then, on a thread
/// of its own, when it closes what it writes to ssh and so writes the rest once more.
/// </summary>
internal static class SurvivingBrokenSsh
{
    [ModuleInitializer]
    internal static void Begin() => ExceptionHandling.SetUnhandledExceptionHandler(IsThrown);

    private static bool IsThrown(Exception exception) =>
        exception is IOException
        && exception.StackTrace?.Contains(
            "SSHClientSessionTransportManager.CloseConnection(",
            StringComparison.Ordinal) == true;
}
