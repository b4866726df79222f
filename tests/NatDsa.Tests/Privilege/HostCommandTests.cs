using System.Text;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Privilege;

/// <summary>natdsa-host, in the shells that hosts have: what it runs, and what it refuses.</summary>
public sealed class HostCommandTests : IDisposable
{
    private static readonly string[] s_shells = ["dash", "bash --posix", "busybox sh"];

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;
    private readonly string _program;
    private readonly string _touched;

    public HostCommandTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        _program = Path.Combine(_folder, "natdsa-host");
        _touched = Path.Combine(_folder, "touched");
        File.WriteAllBytes(_program, HostCommand.ToBytes());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_script_that_it_has_is_run_for_its_argument_only()
    {
        HostScript probe = HostScripts.Probe(ProbeSections.Marker);
        foreach (string shell in s_shells)
        {
            ProgramRun run = await RunAsync(shell, "read", Text(probe));
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            FramedAnswer answer = FramedAnswer.Read(Encoding.UTF8.GetBytes(run.Output), probe.Values["NONCE"]);
            Assert.True(answer.IsComplete);
            Assert.Equal(["host", "marker"], answer.Sections.Keys);
            Assert.Equal(HostCommand.UnknownScript, (await RunAsync(shell, "change", Text(probe))).ExitCode);
            Assert.Equal(HostCommand.UnknownScript, (await RunAsync(shell, "read", Text(Marker()))).ExitCode);
            Assert.Equal(HostCommand.UnknownScript, (await RunAsync(shell, "change", Text(HostScripts.Egress(new Uri("http://a.example"), TimeSpan.FromSeconds(1))))).ExitCode);
            Assert.Equal(64, (await RunAsync(shell, "-c", Text(probe))).ExitCode);
        }
    }

    [Fact]
    public async Task A_script_of_any_other_text_is_not_run()
    {
        string script = Text(HostScripts.Probe(ProbeSections.None));
        foreach (string shell in s_shells)
        {
            foreach (string other in (string[])[$"{script}touch {_touched}\n", script[..^20], script.Replace("read_host() {", $"read_host() {{ touch {_touched};", StringComparison.Ordinal), $"touch {_touched}", $"# {script}", ""])
                Assert.Equal(HostCommand.UnknownScript, (await RunAsync(shell, "read", other)).ExitCode);
        }

        Assert.False(File.Exists(_touched));
    }

    [Theory]
    [InlineData("touch TOUCHED")]
    [InlineData("LIMIT=10;touch TOUCHED")]
    [InlineData("LIMIT=10 touch TOUCHED")]
    [InlineData("LIMIT=1`touch TOUCHED`")]
    [InlineData("LIMIT=$(touch TOUCHED)")]
    [InlineData("LIMIT=$(printf '%b' '10.'; touch TOUCHED); LIMIT=${LIMIT%.}")]
    [InlineData("LIMIT=$(printf '%b' '10.'); LIMIT=${LIMIT%.}; touch TOUCHED")]
    [InlineData("LIMIT=$(printf '%b' '10.'); IFS=${LIMIT%.}")]
    [InlineData("LIMIT=$(printf '%b' '1\\c0.'); LIMIT=${LIMIT%.}")]
    [InlineData("LIMIT=1\\0")]
    [InlineData("PATH=/tmp")]
    [InlineData("IFS=x")]
    [InlineData("LD_PRELOAD=/tmp/x.so")]
    [InlineData("natdsa_script=x")]
    [InlineData("NAMES")]
    public async Task What_is_not_written_as_a_value_is_not_run(string line)
    {
        string script = line.Replace("TOUCHED", _touched, StringComparison.Ordinal) + "\n" + Text(HostScripts.Probe(ProbeSections.None));
        foreach (string shell in s_shells)
        {
            ProgramRun run = await RunAsync(shell, "read", script);
            Assert.Equal((HostCommand.RefusedValue, ""), (run.ExitCode, run.Output));
            Assert.StartsWith(HostCommand.Said, run.Error, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(_touched));
    }

    [Theory]
    [InlineData("MARKER", "/etc/cron.d/x")]
    [InlineData("MARKER", "/etc/use_dsa_with_iptables/../cron.d/x")]
    [InlineData("MARKER", "/etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables")]
    [InlineData("MARKERS", "/etc/use_dsa_with_iptables /etc/shadow")]
    [InlineData("MARKERS", "*")]
    [InlineData("ACTION", "run")]
    [InlineData("ID", "../../etc")]
    [InlineData("ID", "backups")]
    [InlineData("ID", "20260101T000000Z-0/../../x")]
    [InlineData("PATH_1", "/etc/cron.d/x")]
    [InlineData("PATH_1", "/etc/iptables/../cron.d/x")]
    [InlineData("PATH_1", "/etc/nftables.conf")]
    [InlineData("FILE_1", "/etc/shadow")]
    [InlineData("TOOL_1", "/tmp/iptables")]
    [InlineData("TOOL_1", "iptables; id")]
    [InlineData("LOADS", "1 $(id)")]
    [InlineData("INSTALLS", "1\"; id; \"")]
    [InlineData("START", "sshd")]
    [InlineData("SERVICES", "iptables cron")]
    [InlineData("STEPS", "backup digest")]
    [InlineData("STEPS", "owner-evil")]
    [InlineData("RELOAD_DOCKER", "systemctl restart sshd")]
    [InlineData("RELOAD_DOCKER", "systemctl restart docker sshd")]
    [InlineData("RELOAD_DOCKER", "sh -c id")]
    [InlineData("RELOAD_LIBVIRT", "systemctl stop libvirtd")]
    [InlineData("RELOAD_FIREWALLD", "firewall-cmd --add-port=22/tcp")]
    [InlineData("RELOAD_EVIL", "id")]
    [InlineData("STEP_SECONDS", "99999")]
    [InlineData("STEP_SECONDS", "08")]
    [InlineData("STEP_SECONDS", "a[$(id)]")]
    [InlineData("NONCE", "")]
    [InlineData("JOURNAL", "x\n@y end")]
    [InlineData("SEEN", "$(id)")]
    [InlineData("DIGEST", "1 2\n3")]
    [InlineData("NAMES", "../x")]
    [InlineData("NAMES", "iptables.rules /etc/x")]
    [InlineData("NAMES", ".manifest")]
    [InlineData("MANIFEST", "file=../../../etc/shadow 0 0 Running x\n")]
    [InlineData("MANIFEST", "status=Healthy\nfile=/dev/zero 0 0 Running x\n")]
    [InlineData("SECTIONS", "rules id")]
    [InlineData("KEEP", "-1")]
    [InlineData("CONFIRM", "maybe")]
    public async Task What_no_script_may_be_given_is_refused(string name, string value)
    {
        // Behind the values that are right: the last one counts.
        string right = Text(Marker());
        string hostile = Text(HostScript.Load(new ScriptFiles(HostPrivilege.None)).With(name, value));
        int script = right.IndexOf("# What every script", StringComparison.Ordinal);
        foreach (string shell in s_shells)
        {
            ProgramRun run = await RunAsync(shell, "change", right[..script] + hostile + right[script..]);
            Assert.Equal((HostCommand.RefusedValue, ""), (run.ExitCode, run.Output));
            Assert.StartsWith($"{HostCommand.Said}{name}=", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_password_that_nobody_asked_for_is_passed_over()
    {
        HostScript probe = HostScripts.Probe(ProbeSections.None);
        foreach (string shell in s_shells)
        {
            foreach (string password in (string[])["", $"$(touch {_touched})\n", "natdsa: \n"])
            {
                ProgramRun run = await RunAsync(shell, "read", $"{password}natdsa: the script begins\n{Text(probe)}");
                Assert.Equal((0, ""), (run.ExitCode, run.Error));
                Assert.True(FramedAnswer.Read(Encoding.UTF8.GetBytes(run.Output), probe.Values["NONCE"]).IsComplete);
            }
        }

        Assert.False(File.Exists(_touched));
    }

    [Fact]
    public async Task Nothing_of_the_callers_environment_counts()
    {
        HostScript probe = HostScripts.Probe(ProbeSections.None);
        ProgramRun run = await ProgramRun.OfAsync(
            ProgramRun.Start("/bin/sh", [_program, "read"], ("SECTIONS", "marker"), ("PATH", _folder), ("IFS", "a")),
            string.Join('\n', Text(probe).Split('\n').Where(line => !line.StartsWith("SECTIONS=", StringComparison.Ordinal))));
        Assert.Equal(["host"], FramedAnswer.Read(Encoding.UTF8.GetBytes(run.Output), probe.Values["NONCE"]).Sections.Keys);
    }

    [Fact]
    public async Task Every_value_that_a_change_sends_is_one_that_it_may_be_given()
    {
        // The digest is none that a host has: the transaction is refused before it changes anything.
        string[] steps =
        [
            "check", "backup", "marker", "rules", "install", "service", "boot", "owner-docker",
            "agent-restart", "agent-start",
        ];
        HostScript change = new NatDsa.Change.Transaction(steps)
        {
            Loads = [new("iptables-legacy", null, "*filter\n-A INPUT -m comment --comment \"$(id) '\\\"\" -j ACCEPT\nCOMMIT\n"u8.ToArray()), new("ip6tables", "/etc/sysconfig/ip6tables")],
            Installs = [new("/etc/iptables/rules.v4", "# テ\n"u8.ToArray())],
            Markers = [DsaMarker.UseDsaWithIptables.Path(), DsaMarker.DoNotOpenPortsOnIptables.Path()],
            Reloads = new Dictionary<string, string> { ["firewalld"] = "firewall-cmd --reload", ["docker"] = "systemctl restart docker", ["fail2ban"] = "fail2ban-client reload --restart" },
            NatBy = "docker",
        }.ToScript("20260101T000000Z-0123abcd", "1 2", new());
        string text = Text(change);
        int script = text.IndexOf("# What every script", StringComparison.Ordinal);
        foreach (string shell in s_shells)
        {
            // A value that is refused comes last: all of the others were looked at before it.
            ProgramRun run = await RunAsync(shell, "change", text[..script] + "LAST=1\n" + text[script..]);
            Assert.Equal((HostCommand.RefusedValue, $"{HostCommand.Said}LAST=1\n"), (run.ExitCode, run.Error));
        }
    }

    private static HostScript Marker() => HostScripts.Marker(DsaMarker.UseDsaWithIptables, remove: false);

    private static string Text(HostScript script) => Encoding.UTF8.GetString(script.ToStandardInput());

    // As it starts itself, with the environment that it leaves.
    private Task<ProgramRun> RunAsync(string shell, string argument, string input)
    {
        string[] words = shell.Split(' ');
        return ProgramRun.OfAsync(ProgramRun.Start("env", ["-i", "LC_ALL=C", .. words, _program, argument, "clean"]), input);
    }
}
