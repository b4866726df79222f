using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>
/// How the hosts of one cmdlet are reached by SSH: as its parameters say, and where they say nothing, as ssh's
/// configuration does.
/// </summary>
/// <param name="Parameters">What was read already.</param>
/// <param name="Login">How the user proves who he is.</param>
internal sealed record SshWay(SshParameters Parameters, SshLogin Login)
{
    private const int DefaultPort = 22;
    private const int MaxJumps = 8;

    private static readonly string[] s_ofLogin = ["identityfile", "identitiesonly"];
    private static readonly string[] s_ofKnownHosts = ["userknownhostsfile", "globalknownhostsfile", "revokedhostkeys"];
    private static readonly string[] s_ofJumps = ["proxyjump", "proxycommand"];

    /// <summary>The user, where a host's name has none.</summary>
    public string? UserName { get; init; }

    /// <summary>The port, where a host's name has none.</summary>
    public int? Port { get; init; }

    /// <summary>Whether a key or a password was given.</summary>
    public bool IsLoginGiven { get; init; }

    /// <summary>The file of known hosts.</summary>
    public string? KnownHostsPath { get; init; }

    /// <summary>Whether the key of a host of which none is known is added to it.</summary>
    public bool AcceptNewHostKey { get; init; }

    /// <summary>The hosts to go through, the first one first.</summary>
    public HostAddress[]? JumpHosts { get; init; }

    /// <summary>
    /// Reads hosts to go through, as ssh's ProxyJump has them; none of them for the word <c>none</c>.
    /// </summary>
    public static bool TryReadJumps(string text, out HostAddress[] jumps)
    {
        jumps = [];
        if (text.Equals("none", StringComparison.OrdinalIgnoreCase))
            return true;
        string[] names = text.Split(',');
        jumps = new HostAddress[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            if (!HostAddress.TryRead(names[i], out jumps[i]))
                return false;
        }

        return true;
    }

    /// <summary>A host whose name said the user and the port for another one, too; null: none.</summary>
    public HostAddress? Like { get; init; }

    /// <summary>A host.</summary>
    /// <param name="name">What the user calls it.</param>
    /// <param name="address">What that says.</param>
    public SshTarget To(string name, HostAddress address) => new(name, address, this);

    /// <summary>How a host is reached.</summary>
    /// <exception cref="SshConfigException">ssh's configuration says something of it that is not
    /// understood.</exception>
    public SshRoute RouteTo(HostAddress address) => RouteTo(address, JumpHosts, 0);

    private SshRoute RouteTo(HostAddress address, HostAddress[]? jumps, int depth)
    {
        bool isJump = depth > 0;
        string me = Environment.UserName;
        // ssh's options, too, say nothing of the hosts that are only gone through: theirs is the configuration's word.
        string? givenUser = address.UserName ?? (isJump ? null : UserName);
        int? givenPort = address.Port ?? (isJump ? null : Port);
        bool isLoginGiven = IsLoginGiven && !isJump;
        SshHostConfig config = Parameters.Configuration.For(new SshConfigSubject(address.Host, me)
        {
            UserName = givenUser,
            Given = Given(givenUser, givenPort, isLoginGiven, jumps),
        });
        var server = new SshServerAddress(
            config.HostName,
            givenPort ?? config.Port ?? (isJump ? null : Like?.Port) ?? DefaultPort,
            givenUser ?? config.UserName ?? (isJump ? null : Like?.UserName) ?? UserName ?? me)
        {
            Alias = config.HostName.Equals(address.Host, StringComparison.OrdinalIgnoreCase) ? null : address.Host,
        };
        var tokens = new SshTokens(
            SshFolders.Home, me, address.Host, server, config.HostKeyAlias, Environment.GetEnvironmentVariable);
        var access = new SshAccess(LoginWith(config, tokens, isLoginGiven), KnownHostsOf(config, tokens))
        {
            AcceptNewHostKey = AcceptNewHostKey,
            HostKeyAlias = config.HostKeyAlias,
            JumpHost = Through(config, jumps, depth),
        };
        return new SshRoute(server, access);
    }

    private HashSet<string> Given(string? user, int? port, bool isLoginGiven, HostAddress[]? jumps)
    {
        HashSet<string> given = [];
        if (user is not null)
            given.Add("user");
        if (port is not null)
            given.Add("port");
        if (isLoginGiven)
            given.UnionWith(s_ofLogin);
        if (KnownHostsPath is not null)
            given.UnionWith(s_ofKnownHosts);
        if (jumps is not null)
            given.UnionWith(s_ofJumps);
        return given;
    }

    private SshRoute? Through(SshHostConfig config, HostAddress[]? jumps, int depth)
    {
        if (jumps is null && config.ProxyJump is { } named)
        {
            if (!TryReadJumps(named.Value, out jumps))
                throw named.Line.Not("this is no list of [user@]host[:port]");
            if (depth + jumps.Length > MaxJumps)
                throw named.Line.Not($"this leads through more than {MaxJumps} hosts, or in a circle");
        }

        // The last one before the host is reached through the others; the first, as the configuration says of it.
        return jumps is [.. var others, var last]
            ? RouteTo(last, others.Length > 0 ? others : null, depth + 1)
            : null;
    }

    private SshLogin LoginWith(SshHostConfig config, SshTokens tokens, bool isLoginGiven)
    {
        SshLogin login = Login with { IdentitiesOnly = config.IdentitiesOnly };
        if (!isLoginGiven && config.Identities is { } identities)
            login = login with { Identities = [.. identities.Select(i => tokens.Expand(i.Line, i.Value))] };
        return config.IdentityAgent is not { } agent ? login : agent.Value switch
        {
            _ when agent.IsNone => login with { Agent = null },
            "SSH_AUTH_SOCK" => login with { Agent = SshAgent.OfEnvironment() },
            ['$', not '{', ..] => login with { Agent = AgentOf(tokens.Variable(agent.Value[1..])) },
            var address => login with { Agent = AgentOf(tokens.Expand(agent.Line, address)) },
        };
    }

    private static SshAgent? AgentOf(string? address) =>
        string.IsNullOrEmpty(address) ? null : new SshAgent(address, isNamed: true);

    private KnownHostsFiles KnownHostsOf(SshHostConfig config, SshTokens tokens)
    {
        if (KnownHostsPath is not null)
            return Parameters.KnownHosts([KnownHostsPath], []);
        return Parameters.KnownHosts(
            Files(config.UserKnownHostsFile) ?? KnownHostsFiles.UsersPaths(),
            Files(config.GlobalKnownHostsFile) ?? KnownHostsFiles.MachinesPaths());

        string[]? Files(SshConfigSetting? setting) => setting is null ? null
            : setting.IsNone ? []
            : [.. setting.Values.Select(name => tokens.Expand(setting.Line, name))];
    }
}
