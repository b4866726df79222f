using System.Management.Automation;

namespace NatDsa.Targets;

/// <summary>A host that did not do what it was asked: one cause, one stable id.</summary>
public sealed class HostException : Exception
{
    internal HostException(string errorId, string message, Exception? inner = null)
        : base(message, inner) => ErrorId = errorId;

    /// <summary>The stable id, such as <c>TargetUnreachable</c>: see docs/errors.md.</summary>
    public string ErrorId { get; }

    /// <summary>PowerShell's category for it.</summary>
    public ErrorCategory Category => ErrorCategories.Of(ErrorId);

    /// <summary>Whether a script that changes the host may have begun there, and goes on.</summary>
    internal bool GoesOn { get; init; }

    internal ErrorRecord ToErrorRecord(object? target) => ErrorCategories.ToErrorRecord(this, ErrorId, target);
}
