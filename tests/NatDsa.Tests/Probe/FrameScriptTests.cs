using System.Diagnostics;
using System.Text;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Probe;

/// <summary>frame.sh in the shells that hosts have, with <c>timeout</c> and without.</summary>
public sealed class FrameScriptTests
{
    private const string Run = """
        with_input() { printf 'in\nput' | limited 10 cat; }
        loud() { echo out; i=0; while [ $i -lt 500 ]; do echo 0123456789 >&2; i=$((i + 1)); done; return 7; }
        killed() ( echo half; echo 0 >&2; exec sh -c 'kill -KILL $$' )
        facts() { fact one 1; cat; echo noise >&2; return 3; }
        sections() {
            framed value printf %s "$VALUE"
            framed stdin with_input
            section 10 code sh -c 'exit 5'
            section 10 empty true
            section 1 slow sleep 60
            section 1 stubborn sh -c 'trap "" TERM; while :; do sleep 1; done'
            section 1 parent sh -c 'sleep 600 & sleep 600'
            section 1 orphan sh -c '(trap "" TERM; while :; do sleep 1; done) & sleep 600'
            section 1 quick true
            framed patient sleep 3
            framed loud loud
            framed killed killed
            framed missing no-such-command
            framed facts facts
            nothing nothing
            disarm
        }
        $HOW sections
        end_sections
        """;

    // No `timeout` there, as on a host with an old or small userland: a function of that name, which fails, stands in front of it.
    private const string WithoutTimeout = "timeout() { return 127; }\n";

    public static TheoryData<string, bool, bool> Shells =>
        [.. from shell in (string[])["dash", "bash --posix", "busybox sh"] from way in ((bool, bool)[])[(true, false), (false, false), (true, true)] select (shell, way.Item1, way.Item2)];

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task Sections_are_framed_and_bounded_in_every_shell(string shell, bool timeout, bool gathered)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        const string value = "$(reboot) `id` 'quoted' \"x\" \\0101 %s\n-n\ttab テーブル\n\n";
        HostScript script = HostScript.Load(new ScriptFiles(HostPrivilege.Read, "frame.sh")).Reading(ProbeSections.None).With("VALUE", value).With("HOW", gathered ? "gathered" : "");
        FramedAnswer answer = await AnswerOfAsync(shell, script, Run, timeout ? "" : WithoutTimeout);

        Assert.Equal(value, answer["value"]!.Text);
        Assert.Equal("in\nput", answer["stdin"]!.Text);
        Assert.Equal(5, answer["code"]!.ExitCode);
        Assert.Equal((0, ""), (answer["empty"]!.ExitCode, answer["empty"]!.Text));
        Assert.True(answer["slow"]!.TimedOut);
        Assert.True(answer["stubborn"]!.TimedOut);
        // Its child has the pipe of its errors, too: the answer would not end before that.
        Assert.True(answer["parent"]!.TimedOut);
        Assert.True(answer["orphan"]!.TimedOut);
        // The limit of one section is not that of the next.
        Assert.Equal(0, answer["patient"]!.ExitCode);
        Assert.Equal(("out\n", 7), (answer["loud"]!.Text, answer["loud"]!.ExitCode));
        Assert.InRange(answer["loud"]!.Error.Length, 3900, 4000);
        Assert.Equal(("half\n", 128 + 9), (answer["killed"]!.Text, answer["killed"]!.ExitCode));
        Assert.Equal(127, answer["missing"]!.ExitCode);
        Assert.Contains("no-such-command", answer["missing"]!.Error, StringComparison.Ordinal);
        Assert.Equal(("one=1\n", "noise", 3), (answer["facts"]!.Text, answer["facts"]!.Error, answer["facts"]!.ExitCode));
        Assert.Equal(("", "", 0), (answer["nothing"]!.Text, answer["nothing"]!.Error, answer["nothing"]!.ExitCode));
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash --posix")]
    [InlineData("busybox sh")]
    public async Task A_shell_whose_answer_nobody_reads_ends_before_its_alarm_rings(string shell)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        HostScript script = HostScript.Load(new ScriptFiles(HostPrivilege.Read, "frame.sh")).Reading(ProbeSections.None);
        // As sshd starts a shell: with no signal ignored.
        using Process process = ProgramRun.Start("env", ["--default-signal=PIPE", .. shell.Split(' '), "-c", "eval \"$(cat)\""]);
        await process.StandardInput.WriteAsync(Encoding.UTF8.GetString(script.ToStandardInput()) + "endless() { section 600 endless yes; }\ngathered endless\n");
        process.StandardInput.Close();
        Assert.NotNull(await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        process.StandardOutput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash --posix")]
    [InlineData("busybox sh")]
    public async Task A_file_of_rules_is_read_whatever_it_is(string shell)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        HostScript script = HostScript.Load(new ScriptFiles(HostPrivilege.Read, "frame.sh", "read.sh")).Reading(ProbeSections.None);
        const string read = """
            PERSISTED="$FOLDER/rules $FOLDER/empty $FOLDER/dangling $FOLDER/folder $FOLDER/absent"
            read_persisted
            end_sections
            """;
        string folder = Directory.CreateTempSubdirectory("natdsa-tests-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "rules"), "*nat\nCOMMIT", TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "empty"), "", TestContext.Current.CancellationToken);
            File.CreateSymbolicLink(Path.Combine(folder, "dangling"), "nowhere");
            Directory.CreateDirectory(Path.Combine(folder, "folder"));
            FramedAnswer answer = await AnswerOfAsync(shell, script.With("FOLDER", folder), read);

            Assert.Equal(("*nat\nCOMMIT", 0), (Of("rules")!.Text, Of("rules")!.ExitCode));
            Assert.Equal(("", "", 0), (Of("empty")!.Text, Of("empty")!.Error, Of("empty")!.ExitCode));
            foreach (Section unreadable in (Section[])[Of("dangling")!, Of("folder")!])
            {
                Assert.NotEqual(0, unreadable.ExitCode);
                Assert.StartsWith("cat: ", unreadable.Error, StringComparison.Ordinal);
            }

            Assert.Null(Of("absent"));

            Section? Of(string name) => answer[$"file.{folder}/{name}"];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash --posix")]
    [InlineData("busybox sh")]
    public async Task A_shell_whose_input_goes_on_is_asked_again(string shell)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        string[] words = shell.Split(' ');
        using Process process = ProgramRun.Start(words[0], [.. words[1..], "-c", "eval \"$(sed /#end/q)\""]);
        HostScript first = HostScripts.Probe(ProbeSections.Marker | ProbeSections.Agent);
        await process.StandardInput.WriteAsync(Encoding.UTF8.GetString(first.ToStandardInput()) + "#end\n");
        FramedAnswer one = await AnswerAsync(first);
        HostScript second = HostScripts.Probe(ProbeSections.Agent | ProbeSections.Persisted);
        await process.StandardInput.WriteAsync(Encoding.UTF8.GetString(second.NextQuestion()));
        FramedAnswer other = await AnswerAsync(second);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((0, ""), (process.ExitCode, await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)));
        Assert.True(one.TryGet("marker", out _) && !one.TryGet("service", out _));
        Assert.True(other.TryGet("service", out _) && !other.TryGet("marker", out _));
        Assert.Equal(one["agent.files"]!.Text, other["agent.files"]!.Text);

        async Task<FramedAnswer> AnswerAsync(HostScript script)
        {
            await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
            string last = Encoding.UTF8.GetString(FramedAnswer.LastLine(script.Values["NONCE"])).Trim();
            var answer = new StringBuilder();
            while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                answer.Append(line).Append('\n');
                if (line == last)
                    break;
            }

            FramedAnswer framed = FramedAnswer.Read(Encoding.UTF8.GetBytes(answer.ToString()), script.Values["NONCE"]);
            Assert.True(framed.IsComplete);
            return framed;
        }
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash --posix")]
    [InlineData("busybox sh")]
    public async Task Every_script_is_accepted_by_every_shell(string shell)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        string[] words = shell.Split(' ');
        foreach (HostScript script in (HostScript[])
            [HostScripts.Probe(ProbeSections.All), HostScripts.Marker(DsaMarker.UseDsaWithIptables, remove: false), HostScripts.Egress(new Uri("http://a.example"), TimeSpan.FromSeconds(1)),
                HostScript.Load(ScriptFiles.Transaction), HostScripts.Follow("id", "", TimeSpan.FromSeconds(1), confirm: true)])
        {
            ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(words[0], [.. words[1..], "-n"]), Encoding.UTF8.GetString(script.ToStandardInput()));
            Assert.Equal(new ProgramRun(0, "", ""), run);
        }
    }

    [Theory]
    [InlineData("dash")]
    [InlineData("bash --posix")]
    [InlineData("busybox sh")]
    public async Task A_script_that_was_cut_off_on_its_way_runs_nothing(string shell)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "These shells are Linux'.");
        string[] words = shell.Split(' ');
        string script = Encoding.UTF8.GetString(HostScripts.Probe(ProbeSections.None).ToStandardInput());
        // The last line is the call; cut anywhere before it, nothing is answered.
        foreach (int length in (int[])[script.Length - "read_sections\n".Length, script.Length * 3 / 4, script.Length / 2, script.Length / 5])
        {
            ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start(words[0], [.. words[1..], "-c", "eval \"$(cat)\""]), script[..length]);
            Assert.Equal("", run.Output);
        }
    }

    /// <summary>What a shell answers that runs a script, and then these lines of its own; the script comes behind what is in front of it.</summary>
    private static async Task<FramedAnswer> AnswerOfAsync(string shell, HostScript script, string lines, string before = "")
    {
        string[] words = shell.Split(' ');
        ProgramRun run = await ProgramRun.OfAsync(
            ProgramRun.Start(words[0], [.. words[1..], "-c", "eval \"$(cat)\""]),
            before + Encoding.UTF8.GetString(script.ToStandardInput()) + lines.ReplaceLineEndings("\n") + "\n");
        FramedAnswer answer = FramedAnswer.Read(Encoding.UTF8.GetBytes(run.Output), script.Values["NONCE"]);
        Assert.True(answer.IsComplete, run.Error);
        return answer;
    }
}
