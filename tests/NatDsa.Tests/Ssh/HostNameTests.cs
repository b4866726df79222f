using System.Management.Automation;
using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>What is said of a host to which PowerShell remoting over SSH brings no session: a real sshd that has no PowerShell.</summary>
public sealed class HostNameTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Fact]
    public void A_host_without_PowerShell_is_told_from_one_that_does_not_answer()
    {
        Assert.Contains("-ComputerName", Failed("RemotePowerShellMissing", host.KnownHosts()).Exception.Message, StringComparison.Ordinal);
        Assert.Contains("refused", Failed("TargetUnreachable", host.KnownHosts(), port: 1).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_or_a_user_that_is_refused_is_an_error_of_the_login()
    {
        Assert.Equal(ErrorCategory.AuthenticationError, Failed("AuthenticationFailed", host.KnownHosts(), key: "stranger").CategoryInfo.Category);
        Failed("AuthenticationFailed", host.KnownHosts(), user: "nobody-there");
    }

    [Fact]
    public void A_host_key_is_unknown_or_another_one()
    {
        Failed("HostKeyUnknown", host.KnownHosts([]));
        Failed("HostKeyChanged", host.KnownHosts($"[127.0.0.1]:{host.Port} {File.ReadAllText(host.Key("stranger") + ".pub")}"));
    }

    [Fact]
    public void A_key_file_that_is_not_there_is_named() =>
        Assert.Contains("absent", Failed("FileUnreadable", host.KnownHosts(), key: "absent").Exception.Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("nat99.invalid", "", "nat99.invalid")]
    [InlineData("127.0.0.1", "; NoSuchOption = 'yes'", "nosuchoption")]
    public void A_name_that_leads_nowhere_and_an_option_that_ssh_does_not_know_are_told_before_anything_is_connected(string name, string option, string word)
    {
        ModuleSession.Answer answer = _module.Run($"Get-NatIptablesState -HostName {name} -Options @{{ BatchMode = 'yes'{option} }}");
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.Equal(("TargetUnreachable", name), (error.FullyQualifiedErrorId.Split(',')[0], error.TargetObject));
        Assert.Contains(word, error.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    private ErrorRecord Failed(string errorId, string knownHosts, string user = "bash", string key = "openssh-ed25519", int? port = null)
    {
        ModuleSession.Answer answer = _module.Run(
            $"Get-NatIptablesState -HostName 127.0.0.1 -Port {port ?? host.Port} -UserName {user} -KeyFilePath '{host.Key(key)}' -TimeoutSec 60"
            + $" -Options @{{ UserKnownHostsFile = '{knownHosts}'; GlobalKnownHostsFile = '/dev/null'; StrictHostKeyChecking = 'yes'; BatchMode = 'yes' }}");
        Assert.Empty(answer.Output);
        ErrorRecord error = Assert.Single(answer.Errors);
        Assert.Equal(errorId, error.FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal("127.0.0.1", error.TargetObject);
        return error;
    }
}
