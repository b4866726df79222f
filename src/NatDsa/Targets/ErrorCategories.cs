using System.Management.Automation;

namespace NatDsa.Targets;

/// <summary>
/// PowerShell's category of each error id: one, wherever the error is made. docs/errors.md lists them.
/// </summary>
internal static class ErrorCategories
{
    /// <summary>The category that goes with an id.</summary>
    /// <exception cref="ArgumentException">It is none of <see cref="ErrorIds"/>.</exception>
    public static ErrorCategory Of(string errorId) => errorId switch
    {
        ErrorIds.TargetUnreachable or ErrorIds.SessionClosed or ErrorIds.EgressFailed => ErrorCategory.ConnectionError,
        ErrorIds.RemotePowerShellMissing or ErrorIds.AgentRestartFailed => ErrorCategory.ResourceUnavailable,
        ErrorIds.SessionTooOld => ErrorCategory.NotImplemented,
        ErrorIds.HostKeyUnknown or ErrorIds.HostKeyChanged => ErrorCategory.SecurityError,
        ErrorIds.AuthenticationFailed => ErrorCategory.AuthenticationError,
        ErrorIds.PermissionDenied
            or ErrorIds.SudoFailed
            or ErrorIds.HostCommandRefused => ErrorCategory.PermissionDenied,
        ErrorIds.IptablesMissing or ErrorIds.NothingToRestore => ErrorCategory.ObjectNotFound,
        ErrorIds.NotLinux
            or ErrorIds.HostCommandOutdated
            or ErrorIds.ForeignRules
            or ErrorIds.NotComparable
            or ErrorIds.RulesetNotWritable
            or ErrorIds.StateChanged
            or ErrorIds.BackupRefused
            or ErrorIds.BackupOfAnotherHost
            or ErrorIds.NotProtected => ErrorCategory.InvalidOperation,
        ErrorIds.TimedOut or ErrorIds.RolledBack => ErrorCategory.OperationTimeout,
        ErrorIds.LockHeld => ErrorCategory.ResourceBusy,
        ErrorIds.RulesetSyntax => ErrorCategory.ParserError,
        ErrorIds.AnswerBroken or ErrorIds.MarkerUnusable or ErrorIds.BackupDamaged => ErrorCategory.InvalidData,
        ErrorIds.NotAHost => ErrorCategory.InvalidArgument,
        ErrorIds.StateUnknown or ErrorIds.FileUnreadable => ErrorCategory.ReadError,
        ErrorIds.FileNotWritten
            or ErrorIds.MarkerFailed
            or ErrorIds.BackupFailed
            or ErrorIds.RestoreFailed
            or ErrorIds.RepairFailed => ErrorCategory.WriteError,
        ErrorIds.Unexpected => ErrorCategory.NotSpecified,
        _ => throw new ArgumentException($"{errorId} is no error id of this module.", nameof(errorId)),
    };

    /// <summary>An error with an id, in its category.</summary>
    /// <param name="exception">What has happened.</param>
    /// <param name="errorId">One of <see cref="ErrorIds"/>.</param>
    /// <param name="target">The host, the file, or whatever else it is about.</param>
    public static ErrorRecord ToErrorRecord(Exception exception, string errorId, object? target) =>
        new(exception, errorId, Of(errorId), target);
}
