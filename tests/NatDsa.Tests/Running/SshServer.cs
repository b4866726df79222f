using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace NatDsa.Tests.Running;

/// <summary>An sshd of the tests' own on a loopback port, with keys of its own and PowerShell as its powershell subsystem.</summary>
public sealed class SshServer : IAsyncLifetime
{
    private const string Sshd = "/usr/sbin/sshd";
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-sshd-").FullName;
    private Process? _sshd;

    public bool IsRunning => _sshd is not null;

    public int Port { get; private set; }

    public string KeyFile => Path.Combine(_folder, "client");

    public async ValueTask InitializeAsync()
    {
        if (OperatingSystem.IsWindows() || !File.Exists(Sshd))
            return;
        // sshd of Debian, started by root, wants this folder; its unit makes it at boot.
        if (Environment.IsPrivilegedProcess)
            Directory.CreateDirectory("/run/sshd", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Port = FreePort();
        string hostKey = Path.Combine(_folder, "host");
        foreach (string key in (string[])[hostKey, KeyFile])
            Assert.Equal(0, (await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]))).ExitCode);
        string configuration = Path.Combine(_folder, "sshd_config");
        // A bash that counts as started by another reads no .bashrc: what this machine's root has in there is no matter of these tests.
        await File.WriteAllTextAsync(configuration, $"""
            ListenAddress 127.0.0.1
            Port {Port}
            HostKey {hostKey}
            KexAlgorithms curve25519-sha256
            PidFile none
            UsePAM no
            StrictModes no
            PermitRootLogin yes
            PasswordAuthentication no
            AuthorizedKeysFile {KeyFile}.pub
            SetEnv SHLVL=1 DOTNET_ROOT={Pwsh.DotnetRoot} POWERSHELL_TELEMETRY_OPTOUT=1
            Subsystem powershell {Pwsh.Program} -sshs -NoLogo -NoProfile

            """);
        _sshd = ProgramRun.Start(Sshd, ["-D", "-e", "-f", configuration]);
        string said = "";
        while (await _sshd.StandardError.ReadLineAsync() is { } line)
        {
            said += line + Environment.NewLine;
            if (line.Contains("Server listening on", StringComparison.Ordinal))
            {
                // Whatever it says from here on must not fill the pipe.
                _ = _sshd.StandardError.ReadToEndAsync();
                return;
            }
        }

        Assert.Fail("sshd did not start: " + said);
    }

    public async ValueTask DisposeAsync()
    {
        if (_sshd is not null)
        {
            _sshd.Kill(entireProcessTree: true);
            await _sshd.WaitForExitAsync();
            _sshd.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
