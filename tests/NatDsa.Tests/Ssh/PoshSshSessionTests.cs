using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;
using System.Security;
using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Sessions of Posh-SSH, with the versions of SSH.NET that its copies bring, each in a load context of its own.</summary>
public sealed class PoshSshSessionTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    private readonly ModuleSession _module = new();
    private readonly List<IDisposable> _clients = [];

    public static TheoryData<string> Versions => ["2024", "2026", "before 2024"];

    public void Dispose()
    {
        foreach (IDisposable client in _clients)
            client.Dispose();
        _module.Dispose();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_session_serves_by_pipeline_and_by_parameter(string version)
    {
        SshSession session = Open(version, "dash");
        foreach (string script in (string[])["$input | Get-DsaAgentState", "Get-DsaAgentState -Session @($input)[0]", "Get-DsaAgentState -Session @($input) | Get-DsaAgentState"])
        {
            ModuleSession.Answer answer = _module.Run(script, session);
            Assert.Empty(answer.Errors.Select(e => e.Exception.ToString()));
            Assert.Equal("nat01", Assert.IsType<DsaAgentState>(Assert.Single(answer.Output).BaseObject).ComputerName);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_session_stays_as_it_is(string version)
    {
        SshSession session = Open(version, "bash");
        dynamic client = session.Session;
        (TimeSpan Timeout, object Encoding) before = (client.ConnectionInfo.Timeout, client.ConnectionInfo.Encoding);
        Assert.Empty(_module.Run("$input | Get-DsaAgentState", session).Errors);
        Assert.Equal(before, ((TimeSpan, object))(client.ConnectionInfo.Timeout, client.ConnectionInfo.Encoding));
        Assert.True(session.Connected);
        Assert.Equal("still here\n", (string)client.RunCommand("echo still here").Result);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void The_time_is_the_modules_and_the_session_outlives_it(string version)
    {
        SshSession session = Open(version, "hang");
        ErrorRecord error = Assert.Single(_module.Run("$input | Get-DsaAgentState -TimeoutSec 3", session).Errors);
        Assert.StartsWith("TimedOut,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.True(session.Connected);
    }

    [Theory]
    [InlineData("2024", null)]
    [InlineData("2026", null)]
    [InlineData("before 2024", "SessionTooOld")]
    public void A_sudo_password_needs_a_command_that_takes_input(string version, string? error)
    {
        ModuleSession.Answer answer = _module.Run("$session, $password = @($input); Get-NatIptablesState -Session $session -SudoPassword $password", Open(version, "bash"), Secret(SshHost.Password));
        Assert.Equal(error, answer.Errors.Select(e => e.FullyQualifiedErrorId.Split(',')[0]).SingleOrDefault());
        Assert.Equal(error is null ? 1 : 0, answer.Output.Length);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Sudo_without_a_password_makes_root(string version) =>
        Assert.Empty(_module.Run("$input | Get-NatIptablesState -Sudo", Open(version, "csh")).Errors);

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_session_that_was_closed_says_so(string version)
    {
        SshSession session = Open(version, "bash");
        session.Session.Disconnect();
        ErrorRecord error = Assert.Single(_module.Run("$input | Get-DsaAgentState", session).Errors);
        Assert.StartsWith("SessionClosed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("session 1 is Closed", error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal("nat01", error.TargetObject);
    }

    [Theory]
    [InlineData("Get-DsaAgentState -Session 'nat01'")]
    [InlineData("Get-DsaAgentState -Session 42")]
    [InlineData("Get-DsaAgentState -Session $session, 'nat01'")]
    [InlineData("Get-DsaAgentState -Session ([pscustomobject]@{ Session = 'x'; Host = 'nat01' })")]
    public void What_is_no_session_is_not_taken_for_one(string command)
    {
        ModuleSession.Answer answer = _module.Run("$session = @($input)[0]; try { " + command + " } catch { $_ }", Open("2026", "bash"));
        ErrorRecord error = answer.Single<ErrorRecord>();
        Assert.Contains("Session", error.Exception.Message, StringComparison.Ordinal);
        Assert.IsType<ParameterBindingException>(error.Exception, exactMatch: false);
    }

    private SshSession Open(string version, string user)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, version == "2026" ? "ssh" : "ssh-2024");
        Assembly library = new Library(folder).LoadFromAssemblyPath(Path.Combine(folder, "Renci.SshNet.dll"));
        dynamic client = Activator.CreateInstance(library.GetType("Renci.SshNet.SshClient")!, "127.0.0.1", host.Port, user, SshHost.Password)!;
        _clients.Add(client);
        client.Connect();
        return new SshSession { SessionId = 1, Host = "nat01", Session = version == "before 2024" ? new Renci.SshNet.SshClient(client) : client };
    }

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (char c in text)
            secret.AppendChar(c);
        return secret;
    }

    /// <summary>The shape of Posh-SSH's SSH.SshSession: public fields, and a property.</summary>
    public sealed class SshSession
    {
#pragma warning disable CA1051 // Posh-SSH has fields.
        public int SessionId;
        public string Host = "";
        public dynamic Session = null!;
#pragma warning restore CA1051

        public bool Connected => Session.IsConnected;
    }

    private sealed class Library(string folder) : AssemblyLoadContext("another module")
    {
        // The packages of the two versions are the same.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            ((string[])[folder, Path.Combine(AppContext.BaseDirectory, "ssh")])
                .Select(f => Path.Combine(f, assemblyName.Name + ".dll")).Where(File.Exists).Select(LoadFromAssemblyPath).FirstOrDefault();
    }
}
