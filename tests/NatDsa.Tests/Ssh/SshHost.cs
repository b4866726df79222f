using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>
/// A host without PowerShell: an sshd that sees users, passwords and sudo rules of its own, in a mount namespace. Its host keys are
/// one of each type; each user may log in with each client key.
/// </summary>
public sealed class SshHost : IAsyncLifetime
{
    /// <summary>Every user's password: what no shell, no sudo and no log may trip over.</summary>
    public const string Password = "Nat \"lab' $1 ü";

    private const string Sshd = "/usr/sbin/sshd";
    private const string Hash = "$6$natdsatests$BVPk.RRzd2Qbo/0qCDzKz9cDIZ6aOZ7.BpilJDUSX4MlqoknaadcSFx127l9bfMV44qKhc3uM337azBjVWxBR.";

    private static readonly (string Name, string Shell)[] s_users =
        [("bash", "/bin/bash"), ("dash", "/bin/dash"), ("csh", "/usr/bin/tcsh"), ("ash", "ash"), ("nologin", "/usr/sbin/nologin"), ("forced", "/bin/bash"), ("single", "/bin/bash")];

    // Login shells that are a script. Those that end in a shell that works are root's, who may see the rules.
    private static readonly (string Name, bool IsRoot, string Script)[] s_scripts =
    [
        ("hang", false, "trap '' HUP PIPE TERM; sleep 600; exit 1"),
        ("motd", true, """echo '*** Authorized use only ***'; printf 'Last login: never'; exec /bin/sh "$@" """),
        ("question", true, """printf 'Continue? '; read answer; exec /bin/sh "$@" """),
        ("half", true, """/bin/sh "$@" | sed '/ out save/q'; kill -KILL $$"""),
        // Lets one answer out. The shell ends when it says more.
        ("fickle", false, """/bin/sh "$@" | sed '/^@.* done$/q' """),
        ("applets", false, """PATH="${0%/*}/tools:$PATH" exec /bin/sh "$@" """),
        // Says something only when it has much to say, or at its end.
        ("filtered", false, """/bin/sh "$@" | awk '{ print }' """),
        ("drowsy", false, """/bin/sh "$@" | while IFS= read -r line; do case $line in @*' done') sleep 1 ;; esac; printf '%s\n' "$line"; done"""),
        ("chatty", false, """exec 3<&0; /bin/sh "$@" <&3 & sleep 2; exec yes >&2"""),
        ("patient", false, """input=$(cat) && printf '%s\n' "$input" | /bin/sh "$@" """),
        ("slow", false, "while printf x; do sleep 1; done"),
        ("flood", false, "cat /dev/zero; exit 1"),
        ("complaints", false, "cat /dev/zero >&2; exit 1"),
        ("skewed", true, """exec unshare --mount sh -c 'mount --bind "$0/date" /usr/bin/date && exec /bin/sh "$@"' "${0%/*}" "$@" """),
        // What a host with NAT answers, for runs in which the probe's own work is not the point.
        ("quick", false,
            """
            IFS= read -r nonce
            eval "$nonce"
            sed /#natdsa_asks/q >/dev/null
            section() { printf '@%s out %s\n%s\n@%s err %s\n\n@%s end %s 0\n' "$NONCE" "$1" "$2" "$NONCE" "$1" "$NONCE" "$1"; }
            section host 'kernel=Linux
            uid=0
            forwarding.ipv4=1'
            section save.iptables '*nat
            :POSTROUTING ACCEPT [0:0]
            -A POSTROUTING -o eth0 -j MASQUERADE
            COMMIT'
            section nft.ruleset '{"nftables": []}'
            printf '@%s done\n' "$NONCE"
            """),
        // The same of a host whose rules were erased, and of which nothing else is told.
        ("erased", false,
            """
            IFS= read -r nonce
            eval "$nonce"
            sed /#natdsa_asks/q >/dev/null
            section() { printf '@%s out %s\n%s\n@%s err %s\n\n@%s end %s 0\n' "$NONCE" "$1" "$2" "$NONCE" "$1" "$NONCE" "$1"; }
            section host 'kernel=Linux
            uid=0
            forwarding.ipv4=1'
            section save.iptables '*nat
            :PREROUTING ACCEPT [0:0]
            :POSTROUTING ACCEPT [0:0]
            COMMIT'
            section nft.ruleset '{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}]}'
            printf '@%s done\n' "$NONCE"
            """),
        ("date", false, """printf "%s\n" "${1#+}" | sed s/%s/1000000000/"""),
    ];

    private readonly List<Process> _daemons = [];

    /// <summary>Where its files are, and tests may put theirs.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("natdsa-ssh-").FullName;

    /// <summary>More addresses that it listens on.</summary>
    public static IReadOnlyList<string> Addresses { get; } = [.. Enumerable.Range(1, 10).Select(n => $"127.9.{n}.1")];

    /// <summary>Takes keys and passwords, on 127.0.0.1, ::1, and <see cref="Addresses"/>.</summary>
    public int Port { get; private set; }

    /// <summary>Takes keys, and asks for passwords in a dialogue, after a banner.</summary>
    public int DialoguePort { get; private set; }

    /// <summary>A client key, by its name: see <see cref="InitializeAsync"/>.</summary>
    public string Key(string name) => Path.Combine(Folder, name);

    /// <summary>A host key's public half, by its type.</summary>
    public string HostKey(string type) => File.ReadAllText(Path.Combine(Folder, $"host_{type}.pub")).Split(' ') is [var t, var k, ..] ? $"{t} {k.Trim()}" : "";

    /// <summary>A known_hosts file of its own, that has what the host shows.</summary>
    public string KnownHosts(params string[] lines)
    {
        string path = Path.Combine(Folder, "known-" + Guid.NewGuid().ToString("N"));
        File.WriteAllLines(path, lines);
        return path;
    }

    /// <summary>A known_hosts file that has the key by which the host is known, for both ports and both addresses.</summary>
    public string KnownHosts() => KnownHosts($"[127.0.0.1]:{Port},[::1]:{Port},[127.0.0.1]:{DialoguePort},[localhost]:{Port} {HostKey("ed25519")}");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(!OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess && File.Exists(Sshd), "It takes Linux, root and an OpenSSH server.");
        if (OperatingSystem.IsWindows())
            return;
        Directory.CreateDirectory("/run/sshd");
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        await MakeKeysAsync();
        await MakeUsersAsync();
        // The exchanges that a quantum computer could not undo, which the other one offers first, take the client ten times the time.
        Port = await StartAsync("password", "UsePAM no", "PasswordAuthentication yes", "KexAlgorithms curve25519-sha256");
        string banner = Path.Combine(Folder, "banner");
        await File.WriteAllTextAsync(banner, "*** Authorized use only ***\n");
        DialoguePort = await StartAsync("dialogue", "UsePAM yes", "PasswordAuthentication no", "KbdInteractiveAuthentication yes", "Banner " + banner);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process daemon in _daemons)
        {
            daemon.Kill(entireProcessTree: true);
            await daemon.WaitForExitAsync();
            daemon.Dispose();
        }

        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>What its daemons have said, in all detail.</summary>
    public string Log => string.Concat(Directory.GetFiles(Folder, "*.log").Select(ReadShared));

    /// <summary>Makes a key with ssh-keygen.</summary>
    public async Task<string> MakeKeyAsync(string name, params string[] options)
    {
        string path = Key(name);
        if (!options.Contains("-N"))
            options = [.. options, "-N", ""];
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-q", "-f", path, .. options]));
        Assert.True(run.ExitCode == 0, run.Error);
        return path;
    }

    private async Task MakeKeysAsync()
    {
        foreach (string type in (string[])["ed25519", "ecdsa", "rsa"])
            await MakeKeyAsync("host_" + type, "-t", type);
        foreach (string type in (string[])["ed25519", "ecdsa", "rsa"])
            await MakeKeyAsync($"openssh-{type}", "-t", type);
        await MakeKeyAsync("openssh-locked", "-t", "ed25519", "-N", Password, "-a", "1");
        await MakeKeyAsync("pem-rsa", "-t", "rsa", "-m", "PEM");
        await MakeKeyAsync("pem-ecdsa", "-t", "ecdsa", "-m", "PEM");
        await MakeKeyAsync("pem-locked", "-t", "rsa", "-m", "PEM", "-N", Password);
        await MakeKeyAsync("pkcs8-rsa", "-t", "rsa", "-m", "PKCS8");
        await MakeKeyAsync("pkcs8-locked", "-t", "ecdsa", "-m", "PKCS8", "-N", Password);
        string[] authorized = [.. Directory.GetFiles(Folder, "*.pub").Where(f => !Path.GetFileName(f).StartsWith("host_", StringComparison.Ordinal)).SelectMany(File.ReadAllLines)];
        await File.WriteAllLinesAsync(Path.Combine(Folder, "authorized"), authorized);
        await MakeKeyAsync("stranger", "-t", "ed25519");
    }

    [UnsupportedOSPlatform("windows")]
    private async Task MakeUsersAsync()
    {
        string ash = Path.Combine(Folder, "ash");
        if (File.Exists("/usr/bin/busybox"))
        {
            File.CreateSymbolicLink(ash, "/usr/bin/busybox");
            Directory.CreateDirectory(Path.Combine(Folder, "tools"));
            File.CreateSymbolicLink(Path.Combine(Folder, "tools", "sed"), "/usr/bin/busybox");
        }

        // What root's own home has bash do at each login is no matter of these hosts.
        var passwd = new List<string>((await File.ReadAllLinesAsync("/etc/passwd")).Select(line => line.StartsWith("root:", StringComparison.Ordinal) ? $"root:x:0:0::{Folder}:/bin/bash" : line));
        var shadow = new List<string>(await File.ReadAllLinesAsync("/etc/shadow"));
        int id = 64001;
        foreach ((string name, string shell) in s_users)
            Add(name, id++, Path.Combine(Folder, shell));
        foreach ((string name, bool isRoot, string script) in s_scripts)
        {
            string shell = Path.Combine(Folder, name);
            await File.WriteAllTextAsync(shell, $"#!/bin/sh\n{script}\n");
            File.SetUnixFileMode(shell, (UnixFileMode)0b111_101_101);
            Add(name, isRoot ? 0 : id++, shell);
        }

        await File.WriteAllLinesAsync(Path.Combine(Folder, "passwd"), passwd);
        await File.WriteAllLinesAsync(Path.Combine(Folder, "shadow"), shadow);
        await File.WriteAllLinesAsync(Path.Combine(Folder, "sudoers"), ["root ALL=(ALL) ALL", "bash ALL=(ALL) ALL", "csh ALL=(ALL) NOPASSWD: ALL"]);
        File.SetUnixFileMode(Path.Combine(Folder, "shadow"), UnixFileMode.UserRead);
        File.SetUnixFileMode(Path.Combine(Folder, "sudoers"), UnixFileMode.UserRead);

        void Add(string name, int user, string shell)
        {
            passwd.Add($"{name}:x:{user}:{user}::{Folder}:{shell}");
            shadow.Add($"{name}:{Hash}:19000:0:99999:7:::");
        }
    }

    private async Task<int> StartAsync(string name, params string[] settings)
    {
        int port = FreePort();
        string configuration = Path.Combine(Folder, name + ".conf");
        await File.WriteAllLinesAsync(
            configuration,
            [
                "ListenAddress 127.0.0.1", .. Addresses.Select(a => "ListenAddress " + a), "ListenAddress ::1", $"Port {port}", "PidFile none", "StrictModes no", "PermitRootLogin yes", "MaxAuthTries 20",
                "MaxStartups 200", $"AuthorizedKeysFile {Path.Combine(Folder, "authorized")}", "LogLevel DEBUG1",
                .. Directory.GetFiles(Folder, "host_*.pub").Select(f => "HostKey " + Path.ChangeExtension(f, null)),
                .. settings,
                "Match User forced", "ForceCommand echo Only backups here.",
                "Match User single", "MaxSessions 1",
            ]);
        Process daemon = ProgramRun.Start("unshare", ["--mount", "sh", "-c",
            """
            for file in passwd shadow sudoers; do mount --bind "$1/$file" "/etc/$file" || exit; done
            exec /usr/sbin/sshd -D -e -f "$2"
            """, "sh", Folder, configuration]);
        _daemons.Add(daemon);
        string said = "";
        while (await daemon.StandardError.ReadLineAsync() is { } line)
        {
            said += line + Environment.NewLine;
            if (line.Contains("Server listening on ::1", StringComparison.Ordinal))
            {
                _ = daemon.StandardError.BaseStream.CopyToAsync(new FileStream(Path.Combine(Folder, name + ".log"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 0));
                return port;
            }
        }

        throw new InvalidOperationException("sshd did not start: " + said);
    }

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
