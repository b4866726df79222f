using System.Globalization;
using System.Security.Cryptography;
using NatDsa.Privilege;
using NatDsa.Resources;

namespace NatDsa.Probe;

/// <summary>The scripts that NatDsa runs on a host, each one round trip.</summary>
internal static class HostScripts
{
    /// <summary>The time limit of one command of a probe.</summary>
    public static readonly TimeSpan SectionLimit = TimeSpan.FromSeconds(10);

    /// <summary>Reads, and changes nothing.</summary>
    public static HostScript Probe(ProbeSections sections) =>
        HostScript.Load(ScriptFiles.Probe)
            .Asking(Messages.RequestRead.With(string.Join(", ", Words(sections))))
            .Reading(sections);

    /// <summary>Creates or removes a marker file, then reads what is there now.</summary>
    public static HostScript Marker(DsaMarker marker, bool remove) =>
        HostScript.Load(ScriptFiles.Marker)
            .Asking((remove ? Messages.RequestRemove : Messages.RequestCreate).With(marker.Path()))
            .Reading(ProbeSections.Marker | ProbeSections.Agent)
            .With("MARKER", marker.Path())
            .With("ACTION", remove ? "remove" : "set");

    /// <summary>Makes one HTTP request from the host.</summary>
    public static HostScript Egress(Uri uri, TimeSpan limit) =>
        HostScript.Load(ScriptFiles.Egress)
            .Asking(Messages.RequestEgress.With(uri.AbsoluteUri))
            .Reading(ProbeSections.None)
            .With("URI", uri.AbsoluteUri)
            .With("SCHEME", uri.Scheme)
            .With("URI_HOST", uri.IdnHost)
            .With("URI_PORT", uri.Port.ToString(CultureInfo.InvariantCulture))
            .With("URI_PATH", uri.PathAndQuery)
            .With("SECONDS_LIMIT", Seconds(limit));

    /// <summary>Reads how far a transaction is.</summary>
    /// <param name="id">The transaction.</param>
    /// <param name="seen">How far it was last seen.</param>
    /// <param name="wait">How long the script may wait for news.</param>
    /// <param name="confirm">Whether this is the new connection that new rules wait for.</param>
    public static HostScript Follow(string id, string seen, TimeSpan wait, bool confirm) =>
        HostScript.Load(ScriptFiles.Follow)
            .Asking((confirm ? Messages.RequestConfirm : Messages.RequestFollow).With(id))
            .Reading(ProbeSections.All)
            .With("ID", id)
            .With("SEEN", seen)
            .With("SECONDS_LIMIT", Seconds(wait))
            .With("CONFIRM", confirm ? "yes" : "no");

    /// <summary>Keeps a backup on the host.</summary>
    /// <param name="backup">The backup; no file of it holds a NUL.</param>
    /// <param name="keep">How many backups stay; 0: all.</param>
    public static HostScript Backup(NatBackup backup, int keep)
    {
        HostScript script = HostScript.Load(ScriptFiles.Backup)
            .Asking(Messages.RequestBackup.With(backup.Id))
            .Reading(ProbeSections.None)
            .With("ID", backup.Id)
            .With("NOW", backup.LastSeen.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))
            .With("MANIFEST", NatBackupManifest.ToLines(backup))
            .With("NAMES", string.Join(' ', backup.Files.Select(file => file.Name)))
            .With("KEEP", keep.ToString(CultureInfo.InvariantCulture));
        foreach ((int index, NatBackupFile file) in backup.Files.Select((file, index) => (index, file)))
            script.WithContent($"FILE_{(char)('A' + index)}", file.Content);
        return script;
    }

    /// <summary>Reads a backup that is kept on the host.</summary>
    /// <param name="id">The backup; empty: the newest good one.</param>
    public static HostScript TakeBackup(string id) =>
        HostScript.Load(ScriptFiles.TakeBackup)
            .Asking(id.Length > 0 ? Messages.RequestTakeBackup.With(id) : Messages.RequestTakeNewest)
            .Reading(ProbeSections.None)
            .With("ID", id);

    /// <summary>A time limit as the scripts take it: whole seconds, at least one.</summary>
    public static string Seconds(TimeSpan limit) =>
        Math.Max(1, (long)Math.Ceiling(limit.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    /// <summary>A word that no text of a host can know.</summary>
    public static string NewNonce() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>Sets what every script needs: a new nonce, and the sections to read.</summary>
    public static HostScript Reading(this HostScript script, ProbeSections sections) =>
        script
            .With("NONCE", NewNonce())
            .With("LIMIT", Seconds(SectionLimit))
            .With("SECTIONS", string.Join(' ', Words(sections)));

    private static IEnumerable<string> Words(ProbeSections sections)
    {
        if (sections.HasFlag(ProbeSections.Rules))
            yield return "rules";
        if (sections.HasFlag(ProbeSections.Persisted))
            yield return "persisted";
        else if (sections.HasFlag(ProbeSections.Files))
            yield return "files";
        if (sections.HasFlag(ProbeSections.Marker))
            yield return "marker";
        if (sections.HasFlag(ProbeSections.Agent))
            yield return "agent";
        if (sections.HasFlag(ProbeSections.Change))
            yield return "change";
    }
}
