using System.Management.Automation;
using NatDsa.Backups;
using NatDsa.Netfilter;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>What <c>-Reference</c> names: the rules that others are compared with. Read once, before the first host is asked.</summary>
internal sealed class ReferenceRules
{
    private readonly PSCmdlet _cmdlet;
    private readonly List<ComparedRules> _hosts = [];
    private readonly HashSet<string> _backups = [];
    private readonly List<(Ruleset Ruleset, string File)> _texts = [];
    private readonly List<string> _fleets = [];
    private readonly Dictionary<string, ComparedRules> _ofFleet = new(StringComparer.Ordinal);

    private ReferenceRules(PSCmdlet cmdlet) => _cmdlet = cmdlet;

    /// <summary>Reads what is named.</summary>
    /// <exception cref="HostException">Something is no reference, or cannot be read.</exception>
    public static ReferenceRules Read(PSCmdlet cmdlet, object[] references)
    {
        var rules = new ReferenceRules(cmdlet);
        foreach (object reference in references)
            rules.Add(reference is PSObject wrapped ? wrapped.BaseObject : reference);
        rules.AddBackups();
        return rules;
    }

    /// <summary>
    /// The reference for a host: of several states and backups, the one of its name, and of a folder with backups of many hosts, its own newest
    /// good one; files and rulesets are one reference for all.
    /// </summary>
    /// <param name="computerName">The host; null for rules that are of none.</param>
    public ComparedRules For(string? computerName)
    {
        if (computerName is not null && _fleets.Select(fleet => BackupFolder.NewestIn(new BackupFolder(fleet).PathOf(computerName))).FirstOrDefault(one => one is not null) is { } backup)
        {
            lock (_ofFleet)
                return _ofFleet.TryGetValue(backup, out ComparedRules? known) ? known : _ofFleet[backup] = Read(backup);
        }

        if (_texts.Count > 0 && _hosts.Count == 0)
            return new ComparedRules(NameOfTexts, [.. _texts.Select(text => text.Ruleset)], IsWhole: false);
        if (_texts.Count == 0 && _hosts.Count == 1)
            return _hosts[0];
        return _hosts.Find(host => host.ComputerName == computerName && computerName is not null)
            ?? throw new HostException(
                ErrorIds.NotComparable, Messages.ReferenceAmbiguous.With(computerName ?? Messages.PipelineText));
    }

    private string? NameOfTexts =>
        _texts.Where(text => text.File.Length > 0).Select(text => Path.GetFileName(text.File)).ToArray() is { Length: > 0 } names ? string.Join(", ", names) : null;

    private void Add(object reference)
    {
        switch (reference)
        {
            case NatIptablesState state:
                _hosts.Add(ComparedRules.Of(state));
                break;
            case Ruleset ruleset:
                _texts.Add((ruleset, ""));
                break;
            case NatBackup backup:
                _hosts.Add(ComparedRules.Of(backup));
                break;
            case FileSystemInfo item:
                AddItem(item.FullName);
                break;
            case string path:
                AddPath(path);
                break;
            default:
                throw new HostException(ErrorIds.NotComparable, Messages.NotAReference.With(reference));
        }
    }

    private void AddPath(string asked)
    {
        try
        {
            foreach (string path in _cmdlet.SessionState.Path.GetResolvedProviderPathFromPSPath(asked, out ProviderInfo provider))
            {
                if (provider.Name != "FileSystem")
                    throw new HostException(ErrorIds.FileUnreadable, Messages.NotAReference.With(asked));
                AddItem(path);
            }
        }
        catch (Exception e) when (e is SessionStateException or ProviderInvocationException)
        {
            throw new HostException(ErrorIds.FileUnreadable, e.Message, e);
        }
    }

    private void AddItem(string path)
    {
        if (!Directory.Exists(path))
            AddFile(path);
        else if (BackupFolder.IsBackup(path))
            _backups.Add(path);
        else if (BackupFolder.NewestIn(path) is { } newest)
            _backups.Add(newest);
        else
            _fleets.Add(path);
    }

    // Of a host's backups, as Get-ChildItem lists them, the newest good one is meant; of the files of one, all of it.
    private void AddBackups()
    {
        foreach (IGrouping<string, string> host in _backups.GroupBy(folder => Path.GetDirectoryName(folder)!))
            _hosts.Add(Read(BackupFolder.NewestOf(host) ?? host.First()));
        _texts.RemoveAll(text => _backups.Contains(Path.GetDirectoryName(text.File)!));
    }

    private static ComparedRules Read(string folder)
    {
        (NatBackup? backup, Fault? fault) = BackupFolder.Read(folder);
        return backup is not null ? ComparedRules.Of(backup) : throw new HostException(fault!.ErrorId, fault.Message);
    }

    private void AddFile(string path)
    {
        string name = Path.GetFileName(path);
        if (name == NatBackupManifest.JsonName)
        {
            _backups.Add(Path.GetDirectoryName(path)!);
            return;
        }

        try
        {
            if (new FileInfo(path).Length > RulesetTexts.MaxLength)
                throw new IOException(Messages.TextTooLong.With(path, RulesetTexts.MaxLength >> 20));
            Ruleset ruleset = RulesetReader.Read(RulesetTexts.ReadText(path), RulesetReadMode.Lenient, BackEnds.FamilyOfFile(name));
            ruleset.BackEnd = BackEnds.OfFile(name);
            _texts.Add((ruleset, path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HostException(ErrorIds.FileUnreadable, e.Message, e);
        }
    }
}
