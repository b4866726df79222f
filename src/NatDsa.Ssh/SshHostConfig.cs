using System.Globalization;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>
/// Whom ssh's configuration is asked about, and what is said of him already, which nothing in it can change.
/// </summary>
/// <param name="Host">The host, as it was named.</param>
/// <param name="LocalUser">Who asks.</param>
internal sealed record SshConfigSubject(string Host, string LocalUser)
{
    /// <summary>The user to log in as, where that was said.</summary>
    public string? UserName { get; init; }

    /// <summary>The keywords, in lower case, whose values were said otherwise.</summary>
    public IReadOnlySet<string> Given { get; init; } = new HashSet<string>();
}

/// <summary>What a line sets.</summary>
/// <param name="Line">The line.</param>
/// <param name="Values">Its words.</param>
internal sealed record SshConfigSetting(SshConfigLine Line, IReadOnlyList<string> Values)
{
    /// <summary>The first of them.</summary>
    public string Value => Values[0];

    /// <summary>Whether it is the word <c>none</c>.</summary>
    public bool IsNone => Values.Count == 1 && Value.Equals("none", StringComparison.OrdinalIgnoreCase);
}

/// <summary>
/// What ssh's configuration says of one host (ssh_config(5)), as far as it decides where that is, through whom it is
/// reached, who logs in with which keys, and by which files it is known. All else in it is passed over. What decides
/// about these and is not understood here is an error, not a guess.
/// </summary>
internal sealed class SshHostConfig
{
    private const int MaxDepth = 16;

    private static readonly HashSet<string> s_known =
    [
        "hostname", "user", "port", "identityfile", "identitiesonly", "identityagent", "proxyjump", "proxycommand",
        "userknownhostsfile", "globalknownhostsfile", "hostkeyalias", "revokedhostkeys", "canonicalizehostname",
    ];

    private readonly SshConfigSubject _subject;
    private readonly Func<SshConfigLine, IEnumerable<IReadOnlyList<SshConfigLine>>> _include;
    private readonly Dictionary<string, SshConfigSetting> _first = [];
    private readonly List<SshConfigSetting> _identities = [];
    private bool _isFinal;
    private bool _wantsFinal;
    private string _host;

    private SshHostConfig(
        SshConfigSubject subject, Func<SshConfigLine, IEnumerable<IReadOnlyList<SshConfigLine>>> include) =>
        (_subject, _host, _include) = (subject, subject.Host, include);

    /// <summary>The host's name or address.</summary>
    public string HostName => !_isFinal && First("hostname") is { } named ? Expand(named) : _host.ToLowerInvariant();

    /// <summary>The user; null: it says nothing.</summary>
    public string? UserName => First("user")?.Value;

    /// <summary>The port; null: it says nothing.</summary>
    public int? Port => First("port") is not { } port ? null
        : ushort.TryParse(port.Value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && number > 0
            ? number
            : throw port.Line.Not("this is no port");

    /// <summary>The files of private keys, in the order in which they are tried; null: it says nothing.</summary>
    public IReadOnlyList<SshConfigSetting>? Identities => _identities switch
    {
        [] => null,
        [{ IsNone: true }] => [],
        _ => _identities,
    };

    /// <summary>Whether an agent's other keys are not tried.</summary>
    public bool IdentitiesOnly => First("identitiesonly") is { } only && only.Value.ToLowerInvariant() switch
    {
        "yes" or "true" => true,
        "no" or "false" => false,
        _ => throw only.Line.Not("this is neither yes nor no"),
    };

    /// <summary>The socket of the agent; null: it says nothing.</summary>
    public SshConfigSetting? IdentityAgent => First("identityagent");

    /// <summary>The hosts to go through; null: none.</summary>
    public SshConfigSetting? ProxyJump => First("proxyjump") is { IsNone: false } jump ? jump : null;

    /// <summary>The user's files of known hosts; null: it says nothing.</summary>
    public SshConfigSetting? UserKnownHostsFile => First("userknownhostsfile");

    /// <summary>The machine's files of known hosts; null: it says nothing.</summary>
    public SshConfigSetting? GlobalKnownHostsFile => First("globalknownhostsfile");

    /// <summary>The name by which the host's key is known; null: its own.</summary>
    public string? HostKeyAlias => First("hostkeyalias")?.Value;

    /// <summary>Reads what is said of a host.</summary>
    /// <param name="files">The files, the user's before the machine's: the first value wins.</param>
    /// <param name="subject">The host.</param>
    /// <param name="include">What the files hold that an <c>Include</c> names.</param>
    /// <exception cref="SshConfigException">It says something that is not understood here.</exception>
    public static SshHostConfig Read(
        IReadOnlyList<IReadOnlyList<SshConfigLine>> files,
        SshConfigSubject subject,
        Func<SshConfigLine, IEnumerable<IReadOnlyList<SshConfigLine>>> include)
    {
        var config = new SshHostConfig(subject, include);
        config.Read(files);
        if (config._wantsFinal)
        {
            // What is said for the end is about the name that the host has by then.
            config._host = config.HostName;
            config._isFinal = true;
            config.Read(files);
        }

        config.Check();
        return config;
    }

    private void Read(IReadOnlyList<IReadOnlyList<SshConfigLine>> files)
    {
        foreach (IReadOnlyList<SshConfigLine> file in files)
            Read(file, Bearing.Yes, 0);
    }

    private void Read(IReadOnlyList<SshConfigLine> lines, Bearing outer, int depth)
    {
        Bearing bearing = outer;
        foreach (SshConfigLine line in lines)
        {
            switch (line.Keyword)
            {
                case "host":
                    bearing = outer.And(WordPattern.MatchesOneOf(_host, Some(line)) ? Bearing.Yes : Bearing.No);
                    break;
                case "match":
                    bearing = outer.And(Match(line));
                    break;
                case "include" when depth == MaxDepth:
                    throw line.Not("files include each other too deep");
                case "include":
                    foreach (IReadOnlyList<SshConfigLine> included in _include(line))
                        Read(included, bearing, depth + 1);
                    break;
                default:
                    if (bearing.Applies)
                        Set(line, bearing);
                    break;
            }
        }
    }

    private void Set(SshConfigLine line, Bearing bearing)
    {
        if (!s_known.Contains(line.Keyword) || _subject.Given.Contains(line.Keyword))
            return;
        // Of a jump and a command, the first wins.
        string keyword = line.Keyword == "proxycommand" ? "proxyjump" : line.Keyword;
        bool isIdentity = keyword == "identityfile";
        if (_subject.Given.Contains(keyword) || (!isIdentity && _first.ContainsKey(keyword)))
            return;
        if (bearing.Doubt is { } doubt)
        {
            string what = $"{line.Keyword} ({line.File}:{line.Number})";
            throw doubt.Not($"whether this is so cannot be told here, and it decides about {what}");
        }

        var setting = new SshConfigSetting(line, Some(line));
        if (!isIdentity)
            _first.Add(keyword, setting);
        else if (setting.Values.Count > 1)
            throw line.Not("it names more than one file");
        else if (!_identities.Exists(i => i.Value == setting.Value))
            _identities.Add(setting);
    }

    private Bearing Match(SshConfigLine line)
    {
        Bearing bearing = Bearing.Yes;
        IReadOnlyList<string> words = line.MatchWords();
        if (words.Count == 0)
            throw line.Not("it says nothing");
        for (int i = 0; i < words.Count; i++)
        {
            bool negated = words[i].StartsWith('!');
            string criterion = words[i][(negated ? 1 : 0)..].ToLowerInvariant();
            if (criterion is "all" or "final" or "canonical")
            {
                _wantsFinal |= criterion == "final";
                And((criterion == "all" || _isFinal) != negated);
                continue;
            }

            if (++i == words.Count)
                throw line.Not($"nothing follows {criterion}");
            string patterns = words[i];
            switch (criterion)
            {
                case "host":
                    And(WordPattern.MatchesOneOf(HostName, patterns.ToLowerInvariant().Split(',')) != negated);
                    break;
                case "originalhost":
                    string original = _subject.Host.ToLowerInvariant();
                    And(WordPattern.MatchesOneOf(original, patterns.ToLowerInvariant().Split(',')) != negated);
                    break;
                case "user":
                    string user = _subject.UserName ?? UserName ?? _subject.LocalUser;
                    And(WordPattern.MatchesOneOf(user, patterns.Split(',')) != negated);
                    break;
                case "localuser":
                    And(WordPattern.MatchesOneOf(_subject.LocalUser, patterns.Split(',')) != negated);
                    break;
                default:
                    // Commands are run, and networks looked at, by ssh alone.
                    bearing = bearing.And(new Bearing(true, line));
                    break;
            }
        }

        return bearing;

        void And(bool isSo) => bearing = bearing.And(isSo ? Bearing.Yes : Bearing.No);
    }

    private void Check()
    {
        if (First("proxyjump") is { IsNone: false, Line: { Keyword: "proxycommand" } command })
            throw command.Not("a ProxyCommand is of no use here; a jump host is (ProxyJump, or -JumpHost)");
        if (First("canonicalizehostname") is { IsNone: false } canonical
            && !canonical.Value.Equals("no", StringComparison.OrdinalIgnoreCase))
            throw canonical.Line.Not("names are not made canonical here");
        if (First("revokedhostkeys") is { IsNone: false } revoked)
            throw revoked.Line.Not("this list is not looked at here, and what it revokes must not be trusted");
        if (First("user") is { } user && user.Value.Contains('%', StringComparison.Ordinal))
            throw user.Line.Not("tokens in a user's name are not understood here");
    }

    private SshConfigSetting? First(string keyword) => _first.GetValueOrDefault(keyword);

    private static IReadOnlyList<string> Some(SshConfigLine line)
    {
        IReadOnlyList<string> words = line.Words();
        return words.Count > 0 && words[0].Length > 0 ? words : throw line.Not("it says nothing");
    }

    private string Expand(SshConfigSetting named)
    {
        var name = new StringBuilder();
        for (int i = 0; i < named.Value.Length; i++)
        {
            char c = named.Value[i];
            name.Append((c, i + 1 < named.Value.Length ? named.Value[i + 1] : '\0') switch
            {
                ('%', 'h') => _host,
                ('%', '%') => "%",
                ('%', _) => throw named.Line.Not("a token in it is not understood"),
                _ => c.ToString(),
            });
            if (c == '%')
                i++;
        }

        return name.ToString().ToLowerInvariant();
    }

    /// <summary>Whether lines are about the host.</summary>
    /// <param name="Applies">They are, or may be.</param>
    /// <param name="Doubt">Whose condition cannot be told.</param>
    private readonly record struct Bearing(bool Applies, SshConfigLine? Doubt)
    {
        public static Bearing Yes { get; } = new(true, null);

        public static Bearing No { get; }

        public Bearing And(Bearing other) => Applies && other.Applies ? new(true, Doubt ?? other.Doubt) : No;
    }
}
