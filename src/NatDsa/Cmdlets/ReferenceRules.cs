using System.Management.Automation;
using NatDsa.Netfilter;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>What <c>-Reference</c> names: the rules that others are compared with. Read once, before the first host is asked.</summary>
internal sealed class ReferenceRules
{
    private readonly PSCmdlet _cmdlet;
    private readonly List<ComparedRules> _hosts = [];
    private readonly List<Ruleset> _texts = [];
    private readonly List<string> _names = [];

    private ReferenceRules(PSCmdlet cmdlet) => _cmdlet = cmdlet;

    /// <summary>Reads what is named.</summary>
    /// <exception cref="HostException">Something is no reference, or cannot be read.</exception>
    public static ReferenceRules Read(PSCmdlet cmdlet, object[] references)
    {
        var rules = new ReferenceRules(cmdlet);
        foreach (object reference in references)
            rules.Add(reference is PSObject wrapped ? wrapped.BaseObject : reference);
        return rules;
    }

    /// <summary>The reference for a host: of several states, the one of its name; files and rulesets are one reference for all.</summary>
    /// <param name="computerName">The host; null for rules that are of none.</param>
    public ComparedRules For(string? computerName)
    {
        if (_texts.Count > 0 && _hosts.Count == 0)
            return new ComparedRules(string.Join(", ", _names), _texts, IsWhole: false);
        if (_texts.Count == 0 && _hosts.Count == 1)
            return _hosts[0];
        return _hosts.Find(host => host.Name == computerName && computerName is not null)
            ?? throw new HostException(ErrorIds.NotComparable, ErrorCategory.InvalidArgument, Messages.ReferenceAmbiguous.With(computerName ?? Messages.PipelineText));
    }

    private void Add(object reference)
    {
        switch (reference)
        {
            case NatIptablesState state:
                _hosts.Add(ComparedRules.Of(state));
                break;
            case Ruleset ruleset:
                _texts.Add(ruleset);
                break;
            case FileInfo file:
                AddFile(file.FullName);
                break;
            case string path:
                AddPath(path);
                break;
            default:
                throw new HostException(ErrorIds.NotComparable, ErrorCategory.InvalidArgument, Messages.NotAReference.With(reference));
        }
    }

    private void AddPath(string asked)
    {
        try
        {
            foreach (string path in _cmdlet.SessionState.Path.GetResolvedProviderPathFromPSPath(asked, out ProviderInfo provider))
            {
                if (provider.Name != "FileSystem")
                    throw new HostException(ErrorIds.FileUnreadable, ErrorCategory.InvalidArgument, Messages.NotAReference.With(asked));
                AddFile(path);
            }
        }
        catch (Exception e) when (e is SessionStateException or ProviderInvocationException)
        {
            throw new HostException(ErrorIds.FileUnreadable, ErrorCategory.OpenError, e.Message, e);
        }
    }

    private void AddFile(string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            if (Directory.Exists(path))
                throw new IOException(Messages.PathIsFolder.With(path));
            if (new FileInfo(path).Length > RulesetTexts.MaxLength)
                throw new IOException(Messages.TextTooLong.With(path, RulesetTexts.MaxLength >> 20));
            Ruleset ruleset = RulesetReader.Read(RulesetTexts.ReadText(path), RulesetReadMode.Lenient, BackEnds.FamilyOfFile(name));
            ruleset.BackEnd = BackEnds.OfFile(name);
            _texts.Add(ruleset);
            _names.Add(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HostException(ErrorIds.FileUnreadable, ErrorCategory.OpenError, e.Message, e);
        }
    }
}
