using System.Text;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Tests.Host;
using Xunit;

namespace NatDsa.Tests.Change;

/// <summary>Moments of a change that a whole one seldom meets (transaction.sh and what it is made of), in the shells that hosts have.</summary>
public sealed class ChangeScriptTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;

    public static TheoryData<string> Shells => ["dash", "bash --posix", "busybox sh"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task A_new_connection_confirms_the_rules_that_were_seen_and_no_others(string shell)
    {
        // The second rules were loaded after the first were seen: the connection may be older than they.
        ProgramRun run = await RunAsync(shell, """
            report() { :; }
            follow() { :; }
            mkdir "$DIR/state" "$DIR/begun"
            : >"$DIR/state/waiting" && : >"$DIR/begun/10-backup" && : >"$DIR/begun/11-owner-ufw" && : >"$DIR/begun/12-owner-fail2ban"
            CONFIRM=yes
            for SEEN in waiting-2 waiting-3; do follow_transaction && ls "$DIR/state"; done
            """, "follow.sh");
        Assert.Equal(new ProgramRun(0, "waiting\nconfirmed\n", ""), run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Without_timeout_a_command_that_has_ended_holds_no_lock(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            timeout_works=no
            exec 8>>"$DIR/alive" 9>>"$DIR/lock"
            flock 8 && flock 9 && limited 5 true
            exec 8>&- 9>&-
            flock -n "$DIR/alive" echo free && flock -n "$DIR/lock" echo free
            """);
        Assert.Equal(new ProgramRun(0, "free\nfree\n", ""), run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Rules_that_cannot_be_read_leave_those_that_run(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            saved() { printf '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n'; }
            limited() { echo "loaded: $*"; }
            mkdir "$DIR/iptables"
            load_rules iptables "$DIR/iptables" 2>/dev/null || echo failed
            """);
        Assert.Equal(new ProgramRun(0, "failed\n", ""), run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task What_the_guard_undoes_does_not_become_done(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            outcome() { :; }
            limited() { :; }
            mkdir "$DIR/state" && : >"$DIR/state/undoing"
            for end in 'done' undone; do end_as "$end" '' '' && ls "$DIR/state"; done
            """, "transaction.sh");
        Assert.Equal(new ProgramRun(0, "undoing\nundone\n", ""), run);
    }

    // The last of a script's parts ends with what runs it, which is left out.
    private async Task<ProgramRun> RunAsync(string shell, string command, params string[] last)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        HostScript script = HostScript.Load(new ScriptFiles(HostPrivilege.None, ["frame.sh", "files.sh", "read.sh", "journal.sh", "steps.sh", .. last]))
            .With("NONCE", "0").With("ID", "0").With("STEP_SECONDS", "5").With("AGENT_SECONDS", "5").With("SETTLE_SECONDS", "0").With("FOLDER", _folder);
        string text = Encoding.UTF8.GetString(script.ToStandardInput());
        int end = last.Length == 0 ? text.Length : text.LastIndexOf(last[0] == "follow.sh" ? "\nfollow_transaction" : "\ntry_timeout", StringComparison.Ordinal) + 1;
        string[] words = shell.Split(' ');
        return await ProgramRun.OfAsync(
            ProgramRun.Start(words[0], [.. words[1..], "-c", "eval \"$(cat)\""]),
            text[..end] + "DIR=$FOLDER\n" + command.ReplaceLineEndings("\n") + "\n");
    }
}
