using System.Text;
using NatDsa.Privilege;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>The errors of reaching a host, each made in this one place.</summary>
internal static class HostFailures
{
    private const int MaxWords = 400;

    public static HostException TimedOut(string host, RunLimits limits) =>
        new(ErrorIds.TimedOut,
            (limits.KillOnStop ? Messages.TimedOut : Messages.TimedOutGoesOn).With(host, limits.Given.TotalSeconds))
        {
            GoesOn = !limits.KillOnStop,
        };

    /// <summary>The time was up before there was a connection.</summary>
    /// <param name="host">The host.</param>
    /// <param name="limits">The time that it had.</param>
    /// <param name="words">What ssh had said by then.</param>
    public static HostException TimedOut(string host, RunLimits limits, string words) =>
        TimedOut(host, limits) is var failure && words.Length > 0
            ? new HostException(failure.ErrorId, $"{failure.Message} {Messages.SshSaid.With(LastLines(words))}")
            : failure;

    /// <summary>There was no connection within <c>-ConnectingTimeout</c>.</summary>
    /// <param name="host">The host.</param>
    /// <param name="milliseconds">The time that it had.</param>
    /// <param name="words">What ssh had said by then.</param>
    public static HostException NotConnected(string host, int milliseconds, string words) =>
        Connecting(host, new TimeoutException(Messages.NotConnected.With(milliseconds)), words);

    public static HostException TooMuchOutput(string host, int bytes) =>
        new(ErrorIds.AnswerBroken, Messages.TooMuchOutput.With(host, bytes >> 20));

    /// <summary>A session that is not open.</summary>
    /// <param name="host">Where it leads.</param>
    /// <param name="session">Its id, and its name where it has one.</param>
    /// <param name="state">What it is instead.</param>
    /// <param name="command">What gives one that is open.</param>
    public static HostException SessionClosed(string host, string session, object state, string command) =>
        new(ErrorIds.SessionClosed, Messages.SessionClosed.With(host, session, state, command));

    public static HostException NotLinux(string host) =>
        new(ErrorIds.NotLinux, Messages.NotLinux.With(host));

    /// <summary>What an answer without a single section means.</summary>
    public static HostException NoAnswer(string host, HostAnswer answer, bool sudo)
    {
        // nologin and forced commands say why on standard output. sudo does not, and a shell that repeats its input would repeat a password.
        string words = sudo || !string.IsNullOrWhiteSpace(answer.Error)
            ? answer.Error
            : Encoding.UTF8.GetString(answer.Output.Span[..Math.Min(MaxWords, answer.Output.Length)]);
        string said = Untrusted.OneLine(words.Length > MaxWords ? words[..MaxWords] : words);
        bool byHostCommand = sudo && said.Contains(HostCommand.Said, StringComparison.Ordinal);
        if (byHostCommand && answer.ExitCode == HostCommand.UnknownScript)
            return new(ErrorIds.HostCommandOutdated, Messages.HostCommandOutdated.With(host, HostCommand.Path));
        if (byHostCommand && answer.ExitCode == HostCommand.RefusedValue)
            return new(ErrorIds.HostCommandRefused, Messages.HostCommandRefused.With(host, HostCommand.Path, said));
        return sudo
            ? new HostException(ErrorIds.SudoFailed, Messages.SudoFailed.With(host, said))
            : new HostException(ErrorIds.AnswerBroken, Messages.NoAnswer.With(host, answer.ExitCode, said));
    }

    /// <summary>
    /// Why a PowerShell session over SSH did not come up, or broke, by the words of <c>ssh</c>, which are English;
    /// without any, by the exception's.
    /// </summary>
    public static HostException Connecting(string host, Exception exception, string words = "")
    {
        string said = words.Length > 0 ? words : exception.Message;
        (string id, string message) = said switch
        {
            _ when Says("REMOTE HOST IDENTIFICATION HAS CHANGED") => (ErrorIds.HostKeyChanged, Messages.HostKeyChanged),
            _ when Says("Host key verification failed") => (ErrorIds.HostKeyUnknown, Messages.HostKeyUnknown),
            _ when Says("Permission denied") || Says("Too many authentication failures") =>
                (ErrorIds.AuthenticationFailed, Messages.AuthenticationFailed),
            _ when Says("subsystem request failed") || Says("PSVersion") =>
                (ErrorIds.RemotePowerShellMissing, Messages.RemotePowerShellMissing),
            _ => (ErrorIds.TargetUnreachable, Messages.TargetUnreachable),
        };
        return new HostException(id, message.With(host, LastLines(said)), exception);

        bool Says(string words) => said.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    // ssh's cause is its last line, or the two last. What a host greets everybody with stands before it.
    private static string LastLines(string words) =>
        Untrusted.OneLine(string.Join('\n', words.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(2)));

    /// <summary>A connection that broke while a script was at work that is not cut off.</summary>
    public static HostException ConnectionLost(HostException failure) =>
        new(failure.ErrorId, Messages.ConnectionLostGoesOn.With(failure.Message), failure) { GoesOn = true };
}
