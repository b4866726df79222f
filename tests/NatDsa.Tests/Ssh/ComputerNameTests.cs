using System.Management.Automation;
using System.Security;
using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Hosts that have an sshd and no PowerShell: a real one, of which each user has another login shell.</summary>
public sealed class ComputerNameTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("openssh-ed25519", false)]
    [InlineData("openssh-ecdsa", false)]
    [InlineData("openssh-rsa", false)]
    [InlineData("openssh-locked", true)]
    [InlineData("pem-rsa", false)]
    [InlineData("pem-ecdsa", false)]
    [InlineData("pem-locked", true)]
    [InlineData("pkcs8-rsa", false)]
    [InlineData("pkcs8-locked", true)]
    public void A_key_of_every_form_logs_in(string key, bool locked) =>
        Answered(Run($"-UserName bash -KeyFile '{host.Key(key)}' {(locked ? "-Credential $credential" : "")}"));

    [Theory]
    [InlineData("bash")]
    [InlineData("dash")]
    [InlineData("csh")]
    [InlineData("ash")]
    [InlineData("root")]
    public void Every_login_shell_runs_the_script(string user)
    {
        Assert.SkipUnless(user != "csh" || File.Exists("/usr/bin/tcsh"), "tcsh is not installed.");
        Answered(Run($"-UserName {user} -KeyFile '{host.Key("openssh-ed25519")}'"));
    }

    [Fact]
    public void A_password_logs_in() => Answered(Run("-Credential $credential"));

    [Fact]
    public void A_password_answers_a_dialogue() => Answered(Run("-Credential $credential", port: host.DialoguePort));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_wrong_password_is_refused_and_said_nowhere(bool dialogue)
    {
        ErrorRecord error = Failed("AuthenticationFailed", Run("-Credential $wrong -Verbose -Debug", port: dialogue ? host.DialoguePort : host.Port));
        Assert.Equal(ErrorCategory.AuthenticationError, error.CategoryInfo.Category);
        Assert.Equal("127.0.0.1", error.TargetObject);
        Assert.DoesNotContain("wrong-secret", error.Exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_strangers_key_is_refused() => Failed("AuthenticationFailed", Run($"-UserName bash -KeyFile '{host.Key("stranger")}'"));

    [Theory]
    [InlineData("openssh-locked", "-Credential $wrong")]
    [InlineData("pem-locked", "-Credential $wrong")]
    [InlineData("pkcs8-locked", "-Credential $wrong")]
    [InlineData("openssh-locked", "")]
    [InlineData("host_rsa.pub", "")]
    [InlineData("absent", "")]
    public void A_key_that_cannot_be_read_is_an_error_that_says_so(string key, string more)
    {
        ErrorRecord error = Failed("FileUnreadable", Run($"-UserName bash -KeyFile '{host.Key(key)}' {more}"));
        Assert.Contains(host.Key(key), error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", error.Exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("localhost")]
    [InlineData("[::1]:PORT")]
    [InlineData("bash@[::1]:PORT")]
    [InlineData("bash@127.0.0.1:PORT")]
    public void A_host_is_named_as_ssh_names_it(string name) =>
        Answered(Run("-Credential $credential", name: name.Replace("PORT", $"{host.Port}", StringComparison.Ordinal)));

    [Fact]
    public void A_name_that_is_none_is_one_error_and_the_others_go_on()
    {
        ModuleSession.Answer answer = _module.Run(
            $"Get-DsaAgentState -ComputerName 'a b', 127.0.0.1 -Port {host.Port} -UserName bash -KeyFile '{host.Key("openssh-ed25519")}' -KnownHostsPath '{host.KnownHosts()}'");
        Assert.Single(answer.Output);
        Assert.Equal("a b", Assert.Single(answer.Errors).TargetObject);
    }

    [Fact]
    public void An_unknown_host_is_refused_with_its_fingerprint_and_added_when_that_is_asked_for()
    {
        string known = host.KnownHosts([]);
        ErrorRecord error = Failed("HostKeyUnknown", Run("-Credential $credential", known: known));
        Assert.Equal(ErrorCategory.SecurityError, error.CategoryInfo.Category);
        Assert.Matches("ssh-ed25519 .*SHA256:[A-Za-z0-9+/]{43}.*-AcceptNewHostKey", error.Exception.Message);
        Assert.Equal("", File.ReadAllText(known).Trim());

        Answered(Run("-Credential $credential -AcceptNewHostKey", known: known));
        Assert.Equal($"[127.0.0.1]:{host.Port} {host.HostKey("ed25519")}", File.ReadAllText(known).Trim());
        Answered(Run("-Credential $credential", known: known));
    }

    [Theory]
    [InlineData("ecdsa")]
    [InlineData("rsa")]
    public void The_key_that_is_known_is_asked_for(string type) =>
        Answered(Run("-Credential $credential", known: host.KnownHosts($"[127.0.0.1]:{host.Port} {host.HostKey(type)}")));

    [Theory]
    [InlineData("")]
    [InlineData("-AcceptNewHostKey")]
    public void A_changed_key_is_never_accepted(string accept)
    {
        string other = File.ReadAllText(host.Key("stranger.pub"));
        string known = host.KnownHosts($"[127.0.0.1]:{host.Port} {other}");
        string before = File.ReadAllText(known);
        Failed("HostKeyChanged", Run($"-Credential $credential {accept}", known: known));
        Assert.Equal(before, File.ReadAllText(known));
    }

    [Fact]
    public void A_revoked_key_is_never_accepted()
    {
        string known = host.KnownHosts($"@revoked * {host.HostKey("ed25519")}");
        Assert.Contains("revoked", Failed("HostKeyChanged", Run("-Credential $credential -AcceptNewHostKey", known: known)).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_authority_does_not_vouch_for_a_key() =>
        Failed("HostKeyUnknown", Run("-Credential $credential", known: host.KnownHosts($"@cert-authority * {host.HostKey("ed25519")}")));

    [Fact]
    public void A_jump_host_is_gone_through() => Answered(Run($"-Credential $credential -JumpHost bash@localhost:{host.Port}"));

    [Fact]
    public void A_jump_hosts_key_is_checked_too()
    {
        string known = host.KnownHosts($"[127.0.0.1]:{host.Port} {host.HostKey("ed25519")}");
        ErrorRecord error = Failed("HostKeyUnknown", Run($"-Credential $credential -JumpHost bash@localhost:{host.Port}", known: known));
        Assert.StartsWith("localhost", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_of_a_host_behind_a_jump_host_is_checked_too()
    {
        string known = host.KnownHosts($"[localhost]:{host.Port} {host.HostKey("ed25519")}");
        ErrorRecord error = Failed("HostKeyUnknown", Run($"-Credential $credential -JumpHost bash@localhost:{host.Port}", known: known));
        Assert.StartsWith("127.0.0.1", error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_port_is_unreachable() => Failed("TargetUnreachable", Run("-Credential $credential", port: 1));

    [Fact]
    public void A_closed_port_behind_a_jump_host_is_unreachable() =>
        Failed("TargetUnreachable", Run($"-Credential $credential -JumpHost bash@localhost:{host.Port}", port: 1));

    [Fact]
    public void A_user_without_a_shell_gets_an_error() => Failed("AnswerBroken", Run($"-UserName nologin -KeyFile '{host.Key("openssh-ed25519")}'"));

    [Theory]
    [InlineData("csh", "-Sudo")]
    [InlineData("csh", "-SudoPassword $password")]
    [InlineData("bash", "-SudoPassword $password")]
    public void Sudo_makes_root(string user, string sudo)
    {
        string arguments = $"-UserName {user} -KeyFile '{host.Key("openssh-ed25519")}'";
        Failed("PermissionDenied", Run(arguments, "Get-NatIptablesState"), outputs: 1);
        Assert.Empty(Run($"{arguments} {sudo}", "Get-NatIptablesState").Errors);
    }

    [Fact]
    public void A_wrong_sudo_password_is_refused_and_said_nowhere()
    {
        ErrorRecord error = Failed("SudoFailed", Run($"-UserName bash -KeyFile '{host.Key("openssh-ed25519")}' -SudoPassword $wrong.Password"));
        Assert.DoesNotContain("wrong-secret", error.Exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_an_inventory_name_hosts_and_how_to_reach_them()
    {
        ModuleSession.Answer answer = _module.Run(
            $$"""
            [pscustomobject]@{ ComputerName = '127.0.0.1'; Port = '{{host.Port}}'; UserName = 'bash'; KeyFile = '{{host.Key("openssh-ed25519")}}' },
            [pscustomobject]@{ ComputerName = 'dash@[::1]:{{host.Port}}'; Port = ''; UserName = ''; KeyFile = '{{host.Key("openssh-rsa")}}' } |
                Get-DsaAgentState -KnownHostsPath '{{host.KnownHosts()}}'
            """);
        Assert.Empty(answer.Errors);
        Assert.Equal(["127.0.0.1", $"dash@[::1]:{host.Port}"], answer.Output.Select(o => (string)o.Properties["ComputerName"].Value).Order());
    }

    [Fact]
    public void What_comes_out_reaches_the_host_again_without_a_word()
    {
        ModuleSession.Answer answer = _module.Run(
            $"Get-DsaAgentState -ComputerName 127.0.0.1 -Port {host.Port} -UserName bash -KeyFile '{host.Key("openssh-ed25519")}' -KnownHostsPath '{host.KnownHosts()}' | Get-DsaAgentState | Get-DsaAgentState");
        Assert.Empty(answer.Errors);
        Assert.Single(answer.Output);
    }

    [Theory]
    [InlineData("openssh-ed25519", "id_ed25519", null)]
    [InlineData("openssh-ecdsa", "id_ecdsa", null)]
    [InlineData("pem-rsa", "id_rsa", null)]
    [InlineData("openssh-locked", "id_ed25519", "AuthenticationFailed")]
    [InlineData("stranger", "id_ed25519", "AuthenticationFailed")]
    [InlineData("openssh-ed25519", "another", "AuthenticationFailed")]
    public async Task Without_a_word_the_users_own_keys_and_known_hosts_serve(string key, string name, string? error)
    {
        string home = Directory.CreateDirectory(Path.Combine(host.Folder, "home-" + Guid.NewGuid().ToString("N"))).FullName;
        Directory.CreateDirectory(Path.Combine(home, ".ssh"));
        File.Copy(host.Key(key), Path.Combine(home, ".ssh", name));
        File.Copy(host.KnownHosts(), Path.Combine(home, ".ssh", "known_hosts"));
        ProgramRun run = await ProgramRun.PwshAsync(
            $"(Get-DsaAgentState -ComputerName bash@127.0.0.1:{host.Port} -ErrorVariable e -ErrorAction SilentlyContinue)"
                + ".ComputerName; $e.FullyQualifiedErrorId",
            ("HOME", home));
        Assert.Equal(error ?? $"bash@127.0.0.1:{host.Port}", run.Output.Trim().Split(',')[0]);
    }

    [Fact]
    public void A_host_that_hangs_costs_its_time_and_not_more()
    {
        ErrorRecord error = Failed("TimedOut", Run($"-UserName hang -KeyFile '{host.Key("openssh-ed25519")}' -TimeoutSec 3"));
        Assert.Equal(ErrorCategory.OperationTimeout, error.CategoryInfo.Category);
    }

    private ModuleSession.Answer Run(string arguments, string cmdlet = "Get-DsaAgentState", string name = "127.0.0.1", int? port = null, string? known = null) =>
        _module.Run(
            $"""
            $password = @($input)[0]
            $credential = [pscredential]::new('bash', $password)
            $secret = [securestring]::new(); 'wrong-secret'.ToCharArray().ForEach({"{"} $secret.AppendChar($_) {"}"})
            $wrong = [pscredential]::new('bash', $secret)
            {cmdlet} -ComputerName '{name}' -Port {port ?? host.Port} -KnownHostsPath '{known ?? host.KnownHosts()}' {arguments}
            """,
            Secret(SshHost.Password));

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (char c in text)
            secret.AppendChar(c);
        return secret;
    }

    private static void Answered(ModuleSession.Answer answer)
    {
        Assert.Empty(answer.Errors.Select(e => e.Exception.ToString()));
        Assert.IsType<DsaAgentState>(Assert.Single(answer.Output).BaseObject);
    }

    private static ErrorRecord Failed(string id, ModuleSession.Answer answer, int outputs = 0)
    {
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(outputs, answer.Output.Length);
        return error;
    }
}
