namespace NatDsa.Privilege;

/// <summary>The scripts that the module sends, each by the files that it is made of, in order, and by what it needs root for.</summary>
/// <param name="Privilege">What it needs root for.</param>
/// <param name="Names">The files: this assembly's resources.</param>
internal sealed record ScriptFiles(HostPrivilege Privilege, params string[] Names)
{
    /// <summary>Reads a host. Its shell can be asked again.</summary>
    public static ScriptFiles Probe { get; } = new(HostPrivilege.Read, "frame.sh", "read.sh", "probe.sh") { AskedAgainBy = ["NONCE", "LIMIT", "SECTIONS"] };

    /// <summary>Reads a backup that the host keeps.</summary>
    public static ScriptFiles TakeBackup { get; } = new(HostPrivilege.Read, "frame.sh", "read.sh", "take.sh");

    /// <summary>Keeps a backup on the host.</summary>
    public static ScriptFiles Backup { get; } =
        new(HostPrivilege.Change, "frame.sh", "files.sh", "read.sh", "backup.sh");

    /// <summary>Creates or removes a marker file.</summary>
    public static ScriptFiles Marker { get; } = new(HostPrivilege.Change, "frame.sh", "files.sh", "read.sh", "marker.sh");

    /// <summary>Begins a transaction.</summary>
    public static ScriptFiles Transaction { get; } = new(HostPrivilege.Change, "frame.sh", "files.sh", "read.sh", "journal.sh", "steps.sh", "transaction.sh");

    /// <summary>Follows a transaction, and confirms its rules.</summary>
    public static ScriptFiles Follow { get; } = new(HostPrivilege.Change, "frame.sh", "read.sh", "journal.sh", "follow.sh");

    /// <summary>Makes an HTTP request.</summary>
    public static ScriptFiles Egress { get; } = new(HostPrivilege.None, "frame.sh", "files.sh", "read.sh", "egress.sh");

    /// <summary>The values that make up the line by which a shell that has run it runs it again; none: it cannot. It has no other values.</summary>
    public IReadOnlyList<string> AskedAgainBy { get; private init; } = [];

    /// <summary>Those that root runs.</summary>
    public static IReadOnlyList<ScriptFiles> OfRoot { get; } = [Probe, TakeBackup, Backup, Marker, Transaction, Follow];
}
