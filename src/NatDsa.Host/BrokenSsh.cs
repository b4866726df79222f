using System.Runtime.ExceptionServices;

namespace NatDsa.Host;

/// <summary>
/// What PowerShell's remoting throws on a thread of its own when its ssh has died: closing what it writes to ssh, it writes the rest once more. The session has been told
/// by then that it is broken, so nothing is lost but the process, which .NET would end.
/// </summary>
internal static class BrokenSsh
{
    /// <summary>Lets the process outlive it. Once a process.</summary>
    public static void Survive() => ExceptionHandling.SetUnhandledExceptionHandler(IsThrown);

    private static bool IsThrown(Exception exception) =>
        exception is IOException && exception.StackTrace?.Contains("SSHClientSessionTransportManager.CloseConnection(", StringComparison.Ordinal) == true;
}
