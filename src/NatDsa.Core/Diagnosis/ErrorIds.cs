namespace NatDsa;

/// <summary>The ids of the module's errors, one a cause. They are listed in docs/errors.md and do not change.</summary>
public static class ErrorIds
{
    /// <summary>The host does not answer.</summary>
    public const string TargetUnreachable = nameof(TargetUnreachable);

    /// <summary>The host answers, but has no PowerShell subsystem.</summary>
    public const string RemotePowerShellMissing = nameof(RemotePowerShellMissing);

    /// <summary>The session to the host is not open any more.</summary>
    public const string SessionClosed = nameof(SessionClosed);

    /// <summary>A Posh-SSH session's copy of SSH.NET is too old for what is asked.</summary>
    public const string SessionTooOld = nameof(SessionTooOld);

    /// <summary>The host's key is not in known_hosts.</summary>
    public const string HostKeyUnknown = nameof(HostKeyUnknown);

    /// <summary>The host's key is another one than known_hosts has.</summary>
    public const string HostKeyChanged = nameof(HostKeyChanged);

    /// <summary>The host refuses the user, the key or the password.</summary>
    public const string AuthenticationFailed = nameof(AuthenticationFailed);

    /// <summary>sudo is missing, refuses, or wants a password.</summary>
    public const string SudoFailed = nameof(SudoFailed);

    /// <summary>The host's natdsa-host is of another version of the module.</summary>
    public const string HostCommandOutdated = nameof(HostCommandOutdated);

    /// <summary>The host's natdsa-host does not do what was asked for.</summary>
    public const string HostCommandRefused = nameof(HostCommandRefused);

    /// <summary>Root is needed and the user is not root.</summary>
    public const string PermissionDenied = nameof(PermissionDenied);

    /// <summary>The host is not Linux.</summary>
    public const string NotLinux = nameof(NotLinux);

    /// <summary>The host has neither iptables nor nft.</summary>
    public const string IptablesMissing = nameof(IptablesMissing);

    /// <summary>The host's rules could not be read, so that its state is not known.</summary>
    public const string StateUnknown = nameof(StateUnknown);

    /// <summary>A text is no ruleset, or is broken at a line and column.</summary>
    public const string RulesetSyntax = nameof(RulesetSyntax);

    /// <summary>Two rulesets have nothing in common that could be compared, or tell rules in different ways.</summary>
    public const string NotComparable = nameof(NotComparable);

    /// <summary>A ruleset is partial, or of a form that does not hold rules as commands, and cannot be written for iptables-restore.</summary>
    public const string RulesetNotWritable = nameof(RulesetNotWritable);

    /// <summary>A file on this machine could not be read.</summary>
    public const string FileUnreadable = nameof(FileUnreadable);

    /// <summary>A file on this machine could not be written.</summary>
    public const string FileNotWritten = nameof(FileNotWritten);

    /// <summary>What is in the marker file's place is no regular file.</summary>
    public const string MarkerUnusable = nameof(MarkerUnusable);

    /// <summary>The marker file could not be created or removed.</summary>
    public const string MarkerFailed = nameof(MarkerFailed);

    /// <summary>The host's rules are erased, and were not kept as a backup.</summary>
    public const string BackupRefused = nameof(BackupRefused);

    /// <summary>A backup could not be written; nothing of it was left.</summary>
    public const string BackupFailed = nameof(BackupFailed);

    /// <summary>A backup's files are not what was written.</summary>
    public const string BackupDamaged = nameof(BackupDamaged);

    /// <summary>There are no rules with source NAT to load, or iptables does not take those that there are.</summary>
    public const string NothingToRestore = nameof(NothingToRestore);

    /// <summary>Rules of another owner (Docker, firewalld, …) run, which loading the persisted rules would take away.</summary>
    public const string ForeignRules = nameof(ForeignRules);

    /// <summary>A step of a restore failed, or the host's rules are still not those of the backup.</summary>
    public const string RestoreFailed = nameof(RestoreFailed);

    /// <summary>The backup is of a host that calls itself otherwise.</summary>
    public const string BackupOfAnotherHost = nameof(BackupOfAnotherHost);

    /// <summary>Something can still take the host's NAT away; or a step of its protection failed.</summary>
    public const string NotProtected = nameof(NotProtected);

    /// <summary>NAT stays; the agent does not run, is still starting, or has erased rules despite the marker.</summary>
    public const string AgentRestartFailed = nameof(AgentRestartFailed);

    /// <summary>A step failed; what had been done was undone.</summary>
    public const string RepairFailed = nameof(RepairFailed);

    /// <summary>The host took a change back by itself: nobody could connect anew with the rules that it had loaded, or its program died.</summary>
    public const string RolledBack = nameof(RolledBack);

    /// <summary>The host has changed since the plan was made.</summary>
    public const string StateChanged = nameof(StateChanged);

    /// <summary>Another repair is at work on the host.</summary>
    public const string LockHeld = nameof(LockHeld);

    /// <summary>The internet does not answer a host behind the NAT.</summary>
    public const string EgressFailed = nameof(EgressFailed);

    /// <summary>The time was up.</summary>
    public const string TimedOut = nameof(TimedOut);

    /// <summary>The host's answer is not one of this module's scripts', or broke off.</summary>
    public const string AnswerBroken = nameof(AnswerBroken);

    /// <summary>An object was piped in that does not come from a host, but from a file or a text.</summary>
    public const string NotAHost = nameof(NotAHost);

    /// <summary>A failure that has no id of its own: please report it.</summary>
    public const string Unexpected = nameof(Unexpected);
}
