using System.Globalization;
using System.Text;
using NatDsa.Ssh;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>ssh's configuration, as ssh itself reads it: <c>ssh -G</c> says what that is.</summary>
public sealed class SshHostConfigTests : IDisposable
{
    private const int Configurations = 150;

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-config-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_it_says_of_a_host_is_what_ssh_says()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/ssh"), "It takes ssh.");
        var differences = new List<string>();
        int set = 0;
        for (int seed = 0; seed < Configurations; seed++)
        {
            var random = new Random(seed);
            string included = await WriteAsync($"included{seed}", Text(random, null));
            string text = Text(random, included);
            string file = await WriteAsync($"config{seed}", text);
            string host = Pick(random, s_hosts);
            ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh", ["-G", "-F", file, host]));
            Assert.True(run.ExitCode == 0, $"{text}\n{run.Error}");
            string expected = Said(run.Output);
            string read = Said(Read(file, host));
            set += read.Count(c => c == '\n');
            if (expected != read)
            {
                string more = await File.ReadAllTextAsync(included, Cancellation);
                differences.Add($"{host}\n{text}--- {included}\n{more}---\nssh:\n{expected}here:\n{read}");
            }
        }

        Assert.True(differences.Count == 0, string.Join("\n=====\n", differences.Take(3)));
        Assert.True(set > 4 * Configurations, "They say hardly anything.");
    }

    [Theory]
    [InlineData("Port=23", 23)]
    [InlineData("  PORT \t 23  # a comment\r", 23)]
    [InlineData("Port \"23\"", 23)]
    [InlineData("# Port 22\n\nPort 23\nPort 24", 23)]
    [InlineData("Host other\n Port 22\nHost * !nat02\n Port 23", 23)]
    [InlineData("Host NAT01\n Port 22\nMatch host NAT01\n Port 23", 23)]
    [InlineData("Match exec \"true\"\n ForwardAgent yes\nHost *\n Port 23", 23)]
    [InlineData("Match host other exec \"true\"\n Port 22\nMatch all\n Port 23", 23)]
    [InlineData("Port 23\nMatch exec \"true\"\n Port 22", 23)]
    [InlineData("Match final all\n ForwardX11Trusted yes\nHost nat01\n Port 23", 23)]
    public void The_first_line_that_is_about_the_host_wins(string text, int port) =>
        Assert.Equal(port, Of(text).Port);

    [Theory]
    [InlineData("Match exec \"true\"\n Port 22", "config:1: *exec*", "port (config:2)")]
    [InlineData("\nMatch host nat* localnetwork 10.0.0.0/8\n User x", "config:2: *", "user (config:3)")]
    [InlineData("ProxyCommand nc %h %p", "config:1: *ProxyCommand*", "")]
    [InlineData("Host nat01\n CanonicalizeHostname yes", "config:2: *", "")]
    [InlineData("RevokedHostKeys /etc/ssh/revoked", "config:1: *", "")]
    [InlineData("User %r", "config:1: *", "")]
    [InlineData("HostName %n", "config:1: *", "")]
    [InlineData("Port ssh", "config:1: *", "")]
    [InlineData("Port 70000", "config:1: *", "")]
    [InlineData("IdentitiesOnly maybe", "config:1: *", "")]
    [InlineData("IdentityFile \"a", "config:1: *", "")]
    [InlineData("IdentityFile a b", "config:1: *", "")]
    [InlineData("HostName", "config:1: *", "")]
    [InlineData("Host\n Port 1", "config:1: *", "")]
    [InlineData("Match\n Port 1", "config:1: *", "")]
    [InlineData("Match host", "config:1: *", "")]
    public void What_is_not_understood_and_concerns_the_host_is_an_error_with_its_line(
        string text, string start, string part)
    {
        SshConfigException error = Assert.Throws<SshConfigException>(() =>
        {
            SshHostConfig config = Of(text);
            return (config.HostName, config.Port, config.IdentitiesOnly, config.Identities);
        });
        Assert.Matches("^" + start.Split('*')[0], error.Message);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        // It concerns nobody else.
        if (!text.StartsWith("Host\n", StringComparison.Ordinal)
            && !text.TrimStart().StartsWith("Match", StringComparison.Ordinal))
            Assert.Null(Of("Host other\n" + text.Replace("Host nat01\n", "", StringComparison.Ordinal)).Port);
    }

    [Theory]
    [InlineData("ProxyCommand nc %h %p", "proxycommand proxyjump")]
    [InlineData("Match exec \"true\"\n Port 22\n IdentityFile x", "port identityfile")]
    [InlineData("RevokedHostKeys x", "revokedhostkeys")]
    public void What_is_given_otherwise_need_not_be_understood(string text, string given) =>
        Assert.Null(Of(text, given.Split(' ')).Port);

    [Theory]
    [InlineData("ProxyJump a\nProxyCommand b", "a")]
    [InlineData("ProxyCommand none\nProxyJump a", null)]
    [InlineData("ProxyJump none\nProxyJump a", null)]
    [InlineData("ProxyJump a,b@c:22", "a,b@c:22")]
    public void Of_a_jump_and_a_command_the_first_counts(string text, string? jump) =>
        Assert.Equal(jump, Of(text).ProxyJump?.Value);

    [Theory]
    [InlineData("~/.ssh/id", "/home/me/.ssh/id")]
    [InlineData("~", "/home/me")]
    [InlineData("%d/%u/%r@%h:%p/%n%%", "/home/me/me/root@10.0.0.1:2222/nat01%")]
    [InlineData("/keys/%k", "/keys/nat01")]
    [InlineData("${KEYS}/a", "/keys/a")]
    [InlineData("/a $HOME %%h", "/a $HOME %h")]
    public void Tokens_in_names_of_files_are_put_in_their_place(string name, string path) =>
        Assert.Equal(path, s_tokens.Expand(s_line, name));

    [Theory]
    [InlineData("~other/x")]
    [InlineData("%C")]
    [InlineData("%")]
    [InlineData("${NOTHING}")]
    [InlineData("${KEYS")]
    public void A_token_that_is_not_understood_is_an_error_with_its_line(string name)
    {
        SshConfigException error = Assert.Throws<SshConfigException>(() => s_tokens.Expand(s_line, name));
        Assert.StartsWith("config:7: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Included_files_are_read_in_their_place_and_in_the_order_of_their_names()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "conf.d"));
        await WriteAsync("conf.d/20-b", "Port 24\nUser b\n");
        await WriteAsync("conf.d/10-a", "Host nat01\n Port 23\nHost other\n User x\n");
        await WriteAsync("conf.d/.hidden", "User hidden\n");
        string file = await WriteAsync(
            "config", $"Host nat*\n Include {_folder}/conf.d/* {_folder}/absent\n HostName 10.0.0.1\n");
        SshHostConfig config =
            new SshConfigFiles(file, Path.Combine(_folder, "none")).For(new SshConfigSubject("nat01", "me"));
        Assert.Equal((23, "b", "10.0.0.1"), (config.Port, config.UserName, config.HostName));
    }

    [Fact]
    public async Task Files_that_include_each_other_are_an_error()
    {
        string file = await WriteAsync("config", $"Include {_folder}/config\n");
        var files = new SshConfigFiles(file, Path.Combine(_folder, "none"));
        Assert.Throws<SshConfigException>(() => files.For(new SshConfigSubject("nat01", "me")));
    }

    [Fact]
    public async Task The_users_file_comes_before_the_machines()
    {
        string user = await WriteAsync("user", "Host nat01\n Port 23\n");
        string machine = await WriteAsync("machine", "Port 24\nUser machine\n");
        SshHostConfig config = new SshConfigFiles(user, machine).For(new SshConfigSubject("nat01", "me"));
        Assert.Equal((23, "machine"), (config.Port, config.UserName));
        // A user who has no home has no file.
        Assert.Equal(24, new SshConfigFiles(null, machine).For(new SshConfigSubject("nat01", "me")).Port);
    }

    [Fact]
    public async Task A_file_that_others_may_write_to_is_not_trusted()
    {
        if (OperatingSystem.IsWindows())
            return;
        string file = await WriteAsync("config", "Port 23\n");
        File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.OtherWrite);
        var files = new SshConfigFiles(file, Path.Combine(_folder, "none"));
        SshConfigException error =
            Assert.Throws<SshConfigException>(() => files.For(new SshConfigSubject("nat01", "me")));
        Assert.Contains("chmod", error.Message, StringComparison.Ordinal);
    }

    private static readonly string[] s_hosts = ["nat01", "nat02", "10.0.0.1", "web.example.com", "a"];
    private static readonly string[] s_patterns =
        ["nat01", "nat*", "*", "10.0.0.?", "!nat02", "!web*", "*.example.com", "NAT01", "a"];
    private static readonly string[] s_names =
        ["10.0.0.1", "%h.example.com", "web.example.com", "a%%b", "Web.Example.com"];

    private static readonly string[] s_files = ["/k/a", "\"/k/b c\"", "'/k/d'", "/k/e\\ f", "/k/#g", "none"];
    private static readonly string[] s_users = ["root", "bob", "admin"];

    private static readonly SshConfigLine s_line = new("config", 7, "identityfile", "");

    private static readonly SshTokens s_tokens = new(
        "/home/me",
        "me",
        "nat01",
        new SshServerAddress("10.0.0.1", 2222, "root"),
        null,
        name => name == "KEYS" ? "/keys" : null);

    private static SshHostConfig Of(string text, params string[] given) => SshHostConfig.Read(
        [SshConfigLine.ReadAll("config", text)],
        new SshConfigSubject("nat01", "me") { Given = given.ToHashSet() },
        _ => []);

    private static T Pick<T>(Random random, T[] of) => of[random.Next(of.Length)];

    private static string Text(Random random, string? include)
    {
        var text = new StringBuilder();
        for (int left = random.Next(1, 14); left > 0; left--)
            text.Append(Line(random, include)).Append(Pick(random, ["", " ", " # said", "\t", "\r"])).Append('\n');
        return text.ToString();
    }

    private static string Line(Random random, string? include)
    {
        string indent = Pick(random, ["", "  ", "\t"]);
        int kind = random.Next(18);
        return indent + (kind switch
        {
            0 or 1 or 2 => Said("Host", string.Join(' ', Some(random, s_patterns))),
            3 or 4 or 5 or 6 => Said("Match", Criteria(random)),
            7 => "# Port 1",
            8 => Said("HostName", Pick(random, s_names)),
            9 => Said("User", Pick(random, s_users)),
            10 or 11 => Said("Port", random.Next(1, 65536).ToString(CultureInfo.InvariantCulture)),
            12 or 13 => Said("IdentityFile", Pick(random, s_files)),
            14 => Said("IdentitiesOnly", Pick(random, ["yes", "no"])),
            15 => Said("ProxyJump", Pick(random, ["jump", "u@jump:33", "a,b", "none"])),
            16 => Said("UserKnownHostsFile", Pick(random, ["/k/known", "/k/one /k/two", "\"/k/t h\""])),
            _ when include is null => Said("HostKeyAlias", Pick(random, ["alias", "nat01"])),
            _ => Said("Include", include),
        });

        string Said(string keyword, string value) =>
            Pick(random, [keyword, keyword.ToLowerInvariant(), keyword.ToUpperInvariant()])
            + Pick(random, [" ", "  ", "=", " = ", "\t"])
            + value;
    }

    private static IEnumerable<string> Some(Random random, string[] of) =>
        Enumerable.Range(0, random.Next(1, 4)).Select(_ => Pick(random, of));

    private static string Criteria(Random random)
    {
        if (random.Next(5) == 0)
            return Pick(random, ["all", "final all", "final"]);
        return string.Join(' ', Enumerable.Range(0, random.Next(1, 3)).Select(_ =>
        {
            string criterion = Pick(random, ["host", "originalhost", "user", "localuser"]);
            string[] words = criterion.EndsWith("user", StringComparison.Ordinal) ? s_users : s_patterns;
            string list = string.Join(',', Some(random, words));
            string negation = Pick(random, ["", "", "!"]);
            string between = Pick(random, [" ", "=", "  "]);
            return negation + criterion + between + Pick(random, [list, $"\"{list}\""]);
        }));
    }

    /// <summary>What is compared, in the words of <c>ssh -G</c>.</summary>
    private static string Said(string output)
    {
        string[] compared =
        [
            "hostname", "user", "port", "identityfile", "identitiesonly", "proxyjump", "userknownhostsfile",
            "hostkeyalias",
        ];
        IEnumerable<string> lines = output.Split('\n')
            .Where(l => compared.Contains(l.Split(' ')[0]))
            // Those that it has without being told, and the word for nothing.
            .Where(l => !l.Contains("/.ssh/", StringComparison.Ordinal))
            .Where(l => !l.EndsWith(" none", StringComparison.Ordinal));
        return string.Concat(lines.OrderBy(l => l.Split(' ')[0], StringComparer.Ordinal).Select(l => l + "\n"));
    }

    private string Read(string file, string host)
    {
        SshHostConfig config = new SshConfigFiles(file, Path.Combine(_folder, "none"))
            .For(new SshConfigSubject(host, Environment.UserName));
        var text = new StringBuilder();
        Say("hostname", config.HostName);
        Say("user", config.UserName ?? Environment.UserName);
        Say("port", $"{config.Port ?? 22}");
        Say("identitiesonly", config.IdentitiesOnly ? "yes" : "no");
        foreach (SshConfigSetting identity in (config.Identities ?? []).Where(i => !i.IsNone))
            Say("identityfile", identity.Value);
        if (config.ProxyJump is { } jump)
            Say("proxyjump", jump.Value);
        if (config.UserKnownHostsFile is { } known)
            Say("userknownhostsfile", string.Join(' ', known.Values));
        if (config.HostKeyAlias is { } alias)
            Say("hostkeyalias", alias);
        return text.ToString();

        void Say(string keyword, string value) => text.Append(CultureInfo.InvariantCulture, $"{keyword} {value}\n");
    }

    private async Task<string> WriteAsync(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(path, text, Cancellation);
        return path;
    }
}
