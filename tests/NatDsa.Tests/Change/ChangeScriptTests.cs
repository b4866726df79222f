using System.Text;
using NatDsa.Change;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Tests.Running;
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

    public static TheoryData<string, string, bool> Changes()
    {
        var changes = new TheoryData<string, string, bool>();
        foreach (string shell in Shells.Select(row => row.Data))
        {
            changes.Add(shell, "", true);
            changes.Add(shell, @"*mangle\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n", false);
            changes.Add(shell, @"*mangle\n:OUTPUT DROP [0:0]\nCOMMIT\n", false);
            changes.Add(shell, @"*mangle\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -j ACCEPT\nCOMMIT\n", false);
        }

        return changes;
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_host_has_the_number_that_it_was_read_with_until_it_changes(string shell, string more, bool same)
    {
        const string Nat = """
            *nat
            :POSTROUTING ACCEPT [12:3456]
            :OWN - [0:0]
            [7:890] -A POSTROUTING -m comment --comment "[1:2] héhé" -j MASQUERADE
            COMMIT
            """;
        string read = string.Concat(
            Part("save.iptables-legacy", "", 0), Part("save.iptables-nft", $"# Generated\n{Nat}\n\n", 0), Part("save.ip6tables-nft", "*nat\n", 1),
            Part("marker", "marker=/etc/use_dsa_with_iptables\n", 0));
        string number = HostDigest.Of(FramedAnswer.Read(Encoding.UTF8.GetBytes(read.ReplaceLineEndings("\n")), "0"));

        // Counters went on, and a shell took line ends off.
        ProgramRun run = await RunAsync(shell, $$"""
            PERSISTED=
            read_marker() { echo marker=/etc/use_dsa_with_iptables; }
            mkdir "$DIR/running" && printf '{{more}}' >"$DIR/running/iptables-legacy" && cat >"$DIR/running/iptables-nft" <<'END'
            {{Nat.Replace("[12:3456]", "[0:0]", StringComparison.Ordinal).Replace("[7:890]", "[8:1024]", StringComparison.Ordinal).ReplaceLineEndings("\n")}}
            END
            digest
            """, "transaction.sh");
        Assert.Equal((0, "", same), (run.ExitCode, run.Error, run.Output == number + "\n"));

        static string Part(string name, string output, int code) => $"\n@0 out {name}\n{output}\n@0 err {name}\n\n@0 end {name} {code}\n";
    }

    public static TheoryData<string, string, string, string> Checks()
    {
        var checks = new TheoryData<string, string, string, string>();
        foreach (string shell in Shells.Select(row => row.Data))
        {
            checks.Add(shell, "true", "true", "0 0 done");
            checks.Add(shell, "false", "true", "0 1 refused check");
            checks.Add(shell, "true", "false", "1 0 refused backup");
            // Rules that are no good fail both.
            checks.Add(shell, "false", "false", "1 1 refused check");
            // A signal to who waits is no end of the check.
            checks.Add(shell, "eval 'kill -TERM $$; sleep 0.5'", "true", "0 0 done");
            checks.Add(shell, "eval 'kill -TERM $$; sleep 0.5; false'", "true", "0 1 refused check");
        }

        return checks;
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Nothing_is_changed_before_check_and_backup_have_ended_well(string shell, string check, string backup, string end)
    {
        ProgramRun run = await RunAsync(shell, $$"""
            STEPS='check backup'
            detached() { :; }
            guard_is_armed() { :; }
            forget_old() { :; }
            step_check() { {{check}}; }
            step_backup() { {{backup}}; }
            end_as() { echo "end $1 $2"; }
            mkdir "$DIR/todo" "$DIR/begun" "$DIR/state"
            touch "$DIR/todo/10-check" "$DIR/todo/11-backup" "$DIR/state/running"
            reserve "$DIR/checked" 1
            work >"$DIR/said"
            sed -n -e 's/^@0 end step[^ ]* //p' -e 's/^end //p' "$DIR/said"
            """, "transaction.sh");
        Assert.Equal((0, "", end), (run.ExitCode, run.Error, run.Output.Trim().Replace('\n', ' ')));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task While_the_agent_takes_its_time_the_rest_is_read_however_long_it_is(string shell)
    {
        // More than a pipe holds.
        ProgramRun run = await RunAsync(shell, """
            SECTIONS='rules persisted marker agent change' LIMIT=1
            read_host() { :; }
            no_trace_of_agent() { return 1; }
            read_rules() { section "$LIMIT" rules seq 30000; }
            read_marker() { :; }
            read_agent() { framed agent sleep 2; }
            read_persisted() { :; }
            read_transactions() { :; }
            read_sections | grep -E '^@0 (end|done)|^30000$'
            """);
        Assert.Equal(new ProgramRun(0, "@0 end host 0\n30000\n@0 end rules 0\n@0 end marker 0\n@0 end change.transaction 0\n@0 end agent 0\n@0 done\n", ""), run);
    }

    // The new parent of an alarm whose shell has ended is the host's first process, and all others are its children.
    [Theory]
    [MemberData(nameof(Shells))]
    public async Task An_alarm_whose_shell_has_ended_rings_for_nobody(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            sleep 20 & bystander=$!
            ring_after 0 4194304 & wait $!
            ring_after 1 1 & wait $!
            kill $bystander && echo alive
            """);
        Assert.Equal(new ProgramRun(0, "alive\n", ""), run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task An_alarm_that_is_switched_off_before_it_is_set_ends_nobody_else(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            sleep 20 & bystander=$!
            ring_if_needed() { read -r ring _ </proc/self/stat; kill "$ring"; sleep 1; }
            ring_after 5 0 & wait $!
            kill $bystander && echo alive
            """);
        Assert.Equal(new ProgramRun(0, "alive\n", ""), run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Without_iptables_there_are_no_rules_of_it_to_put_back(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            mkdir "$DIR/running"
            undo_rules && echo undone
            """);
        Assert.Equal(new ProgramRun(0, "undone\n", ""), run);
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

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task What_is_committed_is_not_undone_by_a_guard_whose_program_has_died(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            outcome() { echo "$@" >&2; }
            limited() { :; }
            end_session() { :; }
            undo_all() { echo undone >&2; }
            mkdir "$DIR/state" "$DIR/begun"
            for file in alive worker journal.guard begun/15-agent-restart; do : >"$DIR/$file"; done
            echo 0 >"$DIR/worker"
            for state in running waiting confirmed committed; do
                : >"$DIR/unarmed" && : >"$DIR/state/$state"
                CONFIRM_SECONDS=5
                (guard)
                ls "$DIR/state"
                rm "$DIR"/state/* "$DIR/armed"
            done
            """, "transaction.sh");
        const string Undone = "undone\nrolledback  died\n";
        Assert.Equal(
            new ProgramRun(
                0,
                "rolledback\nrolledback\nrolledback\ndone\n",
                Undone + Undone + Undone + "done agent-restart died\n"),
            run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Of_commit_and_undoing_one_wins(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            mkdir "$DIR/state"
            : >"$DIR/state/confirmed" && commit && ! claim_undoing && ls "$DIR/state" && rm "$DIR/state/committed"
            : >"$DIR/state/running" && claim_undoing && ! commit && ls "$DIR/state"
            """, "transaction.sh");
        Assert.Equal(new ProgramRun(0, "committed\nundoing\n", ""), run);
    }

    /// <summary>Neither the time limit nor the end of who waits reaches it, and it holds no lock.</summary>
    [Theory]
    [MemberData(nameof(Shells))]
    public async Task An_agent_that_takes_its_time_to_start_goes_on(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            agent_command() { echo "/bin/sh $DIR/agent $1"; }
            cat >"$DIR/agent" <<'EOF'
            echo "$1" and so on
            trap 'exit 1' TERM HUP
            until [ -e "${0%/*}/go" ]; do sleep 0.1; done
            : >"${0%/*}/up"
            EOF
            exec 9>>"$DIR/lock" && flock 9
            AGENT_SECONDS=1
            said=$(exec 2>&1 && change_agent restart 9>&-) || echo "$?: $said" | sed "s|$DIR|DIR|g"
            exec 9>&-
            flock -n "$DIR/lock" echo free
            : >"$DIR/go"
            until [ -e "$DIR/up" ]; do sleep 0.1; done
            echo up
            """);
        Assert.Equal(
            new ProgramRun(
                0,
                "3: restart and so on\n/bin/sh DIR/agent restart: no end within 1 s; it goes on\nfree\nup\n",
                ""),
            run);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task An_init_script_that_has_the_agents_name_is_not_the_agent(string shell)
    {
        ProgramRun run = await RunAsync(shell, """
            told() {
                mkdir -p "$DIR/proc"
                printf '7 (%s) %s 1 7\n' "$1" "$2" >"$DIR/proc/stat"
                shift 2
                printf '%s\0' "$@" >"$DIR/proc/cmdline"
                tell_agent "$DIR/proc/stat" "$DIR/nothing/stat"
                echo "$agent_runs $agent_starts"
            }
            told ds_agent S /opt/ds_agent/ds_agent -w /var/opt/ds_agent
            told ds_agent S /bin/sh /etc/init.d/ds_agent restart
            told ds_agent D /bin/sh /etc/init.d/ds_agent start
            told ds_agent S /bin/sh /etc/init.d/ds_agent status
            told ds_agent Z /opt/ds_agent/ds_agent
            told ds_agentx S /opt/ds_agent/ds_agentx
            """);
        Assert.Equal(new ProgramRun(0, "yes no\nno yes\nno yes\nno no\nno no\nno no\n", ""), run);
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
