using System.Management.Automation;
using System.Security;
using System.Text;
using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>A password or a passphrase is nowhere to be seen: not in any stream, not in an object, not in a process's arguments, not in the host's log.</summary>
public sealed class SecretsTests(SshHost host) : IClassFixture<SshHost>, IDisposable
{
    private readonly ModuleSession _module = new();

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData("-Credential $credential")]
    [InlineData("-Credential $credential -SudoPassword $credential.Password")]
    [InlineData("-Credential $credential -KeyFile 'openssh-locked'")]
    [InlineData("-Credential $credential -SudoPassword $wrong.Password")]
    [InlineData("-Credential $wrong")]
    [InlineData("-Credential $wrong -KeyFile 'openssh-locked'")]
    public async Task No_secret_is_seen_anywhere(string arguments)
    {
        using var stop = new CancellationTokenSource();
        Task<string> commandLines = WatchCommandLinesAsync(stop.Token);
        ModuleSession.Answer answer = _module.Run(
            $$"""
            $credential, $wrong = @($input)
            $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
            Get-DsaAgentState -ComputerName 127.0.0.1 -Port {{host.Port}} -KnownHostsPath '{{host.KnownHosts()}}' {{arguments.Replace("'openssh", $"'{host.Folder}/openssh", StringComparison.Ordinal)}} -OutVariable out -ErrorVariable errors
            "$($out[0] | ForEach-Object { $_.PSObject.Properties.Value; $_ })"
            $errors | ForEach-Object { $_.Exception.ToString(); "$($_.InvocationInfo.Line) $($_.TargetObject) $($_.ErrorDetails)" }
            [System.Management.Automation.PSSerializer]::Serialize($out, 5)
            [System.Management.Automation.PSSerializer]::Serialize($errors, 5)
            """,
            new PSCredential("bash", Secret(SshHost.Password)), new PSCredential("bash", Secret("wrong-secret")));
        await stop.CancelAsync();
        PSDataStreams streams = answer.Shell.Streams;
        string said = string.Join('\n', [.. answer.Output.Select(o => o.ToString()), .. streams.Verbose.Select(r => r.Message), .. streams.Debug.Select(r => r.Message),
            .. streams.Warning.Select(r => r.Message), .. streams.Information.Select(r => r.ToString()), .. streams.Error.Select(r => r.Exception.ToString())]);
        Assert.NotEqual("", said);
        string watched = await commandLines;
        Assert.Contains("sshd", watched, StringComparison.Ordinal);
        foreach (string secret in (string[])[SshHost.Password, "wrong-secret"])
        {
            Assert.DoesNotContain(secret, said, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, watched, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, host.Log, StringComparison.Ordinal);
        }
    }

    /// <summary>What <c>ps</c> would have shown of every process in the meantime.</summary>
    private static Task<string> WatchCommandLinesAsync(CancellationToken stop) => Task.Factory.StartNew(
        () =>
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            do
            {
                foreach (string process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
                {
                    foreach (string file in (string[])["cmdline", "environ"])
                    {
                        try
                        {
                            string text = Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(process, file)));
                            // Other tests make locked keys at the same time, and ssh-keygen takes their passphrase so.
                            if (!text.StartsWith("ssh-keygen", StringComparison.Ordinal))
                                seen.Add(text);
                        }
                        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                        {
                            // It has ended.
                        }
                    }
                }
            }
            while (!stop.IsCancellationRequested);

            return string.Join('\n', seen);
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (char c in text)
            secret.AppendChar(c);
        return secret;
    }
}
