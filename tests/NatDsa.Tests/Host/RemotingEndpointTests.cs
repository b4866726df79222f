using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Xunit;

namespace NatDsa.Tests.Host;

/// <summary>PowerShell remoting over SSH into natdsa: a real sshd, a real ssh, the engine's own client.</summary>
public sealed class RemotingEndpointTests(SshServer server) : IClassFixture<SshServer>
{
    [Fact]
    public void A_session_runs_commands_and_returns_objects()
    {
        Collection<PSObject> answers = Remotely("[pscustomobject]@{ Text = 'ルール'; Number = 6 * 7; Program = [Environment]::ProcessPath }");
        PSObject answer = Assert.Single(answers);
        Assert.Equal("ルール", answer.Properties["Text"].Value);
        Assert.Equal(42, answer.Properties["Number"].Value);
        Assert.Equal(Repository.Program, answer.Properties["Program"].Value);
    }

    [Fact]
    public void The_module_is_there_by_its_name()
    {
        Collection<PSObject> answers = Remotely("Import-Module NatDsa; (Get-Module NatDsa).Version.ToString()");
        Assert.Matches(@"^\d+\.\d+\.\d+$", Assert.Single(answers).ToString());
    }

    [Fact]
    public void An_error_comes_back_as_an_error_record()
    {
        RuntimeException error = Assert.ThrowsAny<RuntimeException>(() => Remotely("throw 'far away'"));
        Assert.Equal("far away", error.ErrorRecord.Exception.Message);
    }

    private Collection<PSObject> Remotely(string script)
    {
        Assert.SkipUnless(server.IsRunning, "No OpenSSH server is installed.");
        using Runspace runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
        runspace.Open();
        using var powershell = PowerShell.Create(runspace);
        return powershell.AddScript(
                """
                param($Port, $Key, $Script)
                $session = New-PSSession -HostName 127.0.0.1 -Port $Port -KeyFilePath $Key -ConnectingTimeout 30000 -Options @{
                    StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null'; LogLevel = 'ERROR' } -ErrorAction Stop
                try { Invoke-Command -Session $session -ScriptBlock ([scriptblock]::Create($Script)) -ErrorAction Stop }
                finally { Remove-PSSession $session }
                """)
            .AddArgument(server.Port).AddArgument(server.KeyFile).AddArgument(script)
            .Invoke();
    }
}
