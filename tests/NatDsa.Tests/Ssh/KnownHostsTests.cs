using System.Diagnostics;
using NatDsa.Ssh;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>known_hosts, as OpenSSH's own programs write it.</summary>
public sealed class KnownHostsTests : IDisposable
{
    private const string Ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMbcUStMytiYXSXO/QyCriRgUH0GPhV8gx+nnTAsIQj9";
    private const string OtherEd25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    private const string Rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwABAg==";

    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-known-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("nat01 " + Ed25519, "nat01", 22)]
    [InlineData("nat01 " + Ed25519 + " a comment of several words", "nat01", 22)]
    [InlineData("  nat01\t" + Ed25519, "nat01", 22)]
    [InlineData("nat02,nat01,10.0.0.1 " + Ed25519, "nat01", 22)]
    [InlineData("NAT01 " + Ed25519, "nat01", 22)]
    [InlineData("nat01 " + Ed25519, "NAT01", 22)]
    [InlineData("[nat01]:2222 " + Ed25519, "nat01", 2222)]
    [InlineData("[::1]:2222 " + Ed25519, "::1", 2222)]
    [InlineData("::1 " + Ed25519, "::1", 22)]
    [InlineData("nat01 " + Ed25519, "nat01", 2222)]
    [InlineData("*.example.com " + Ed25519, "nat01.example.com", 22)]
    [InlineData("nat0? " + Ed25519, "nat01", 22)]
    [InlineData("[*.example.com]:* " + Ed25519, "nat01.example.com", 2222)]
    [InlineData("*.example.com,!web.example.com " + Ed25519, "nat01.example.com", 22)]
    [InlineData("nat01 " + OtherEd25519 + "\nnat01 " + Ed25519, "nat01", 22)]
    [InlineData("nat01 " + Rsa + "\r\nnat01 " + Ed25519 + "\r\n", "nat01", 22)]
    [InlineData("@revoked nat02 " + Ed25519 + "\nnat01 " + Ed25519, "nat01", 22)]
    public void A_known_key_is_known(string text, string host, int port) => Judged(HostKeyVerdict.Known, text, host, port);

    [Theory]
    [InlineData("", "nat01", 22)]
    [InlineData("# nat01 " + Ed25519, "nat01", 22)]
    [InlineData("nat02 " + Ed25519, "nat01", 22)]
    [InlineData("nat01 ", "nat01", 22)]
    [InlineData("nat01 ssh-ed25519", "nat01", 22)]
    [InlineData("nat01 ssh-ed25519 !!!!", "nat01", 22)]
    [InlineData("nat01 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIMbcUStMytiYXSXO/QyCriRgUH0GPhV8gx+nnTAsIQj9", "nat01", 22)]
    [InlineData("[nat01]:2222 " + Ed25519, "nat01", 22)]
    [InlineData("[nat01]:2222 " + Ed25519, "nat01", 2223)]
    [InlineData("*.example.com,!web.example.com " + Ed25519, "web.example.com", 22)]
    [InlineData("!nat01,* " + Ed25519, "nat01", 22)]
    [InlineData("*.example.com " + Ed25519, "example.com", 22)]
    [InlineData("@cert-authority nat01 " + Ed25519, "nat01", 22)]
    [InlineData("@future nat01 " + Ed25519, "nat01", 22)]
    [InlineData("|1|broken " + Ed25519, "nat01", 22)]
    [InlineData("|2|c2FsdA==|aGFzaA== " + Ed25519, "nat01", 22)]
    public void A_host_of_which_no_key_is_known_is_unknown(string text, string host, int port) => Judged(HostKeyVerdict.Unknown, text, host, port);

    [Theory]
    [InlineData("nat01 " + OtherEd25519, "nat01", 22)]
    [InlineData("[nat01]:2222 " + OtherEd25519, "nat01", 2222)]
    [InlineData("[nat01]:2222 " + OtherEd25519 + "\nnat01 " + Ed25519, "nat01", 2222)]
    [InlineData("nat* " + OtherEd25519, "nat01", 22)]
    [InlineData("nat01 " + Rsa, "nat01", 22)]
    public void Another_key_than_the_known_one_has_changed(string text, string host, int port) => Judged(HostKeyVerdict.Changed, text, host, port);

    [Theory]
    [InlineData("@revoked nat01 " + Ed25519, "nat01", 22)]
    [InlineData("@revoked * " + Ed25519 + "\nnat01 " + Ed25519, "nat01", 22)]
    [InlineData("nat01 " + Ed25519 + "\n@revoked nat01 " + Ed25519, "nat01", 22)]
    [InlineData("[nat01]:2222 " + Ed25519 + "\n@revoked * " + Ed25519, "nat01", 2222)]
    public void A_revoked_key_is_revoked_whatever_else_is_known(string text, string host, int port) => Judged(HostKeyVerdict.Revoked, text, host, port);

    [Fact]
    public void The_types_that_are_known_are_told_in_the_files_order()
    {
        KnownHosts known = KnownHosts.Read($"nat01 {Rsa}\nnat02 {Ed25519}\nnat01 {Ed25519}\nnat01 {OtherEd25519}\n@cert-authority nat01 {Rsa}");
        Assert.Equal(["ssh-rsa", "ssh-ed25519"], known.TypesFor("nat01", 22));
        Assert.Equal(["ssh-rsa", "ssh-ed25519"], known.TypesFor("nat01", 2222));
        Assert.Empty(known.TypesFor("nat03", 22));
    }

    [Theory]
    [InlineData("nat01", 22)]
    [InlineData("nat01.example.com", 2222)]
    [InlineData("::1", 22)]
    public async Task What_ssh_keygen_hashed_is_found(string host, int port)
    {
        string path = Path.Combine(_folder, "known");
        await File.WriteAllTextAsync(path, KnownHosts.Line(host, port, Key(Ed25519), null), Cancellation);
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-H", "-f", path]));
        Assert.True(run.ExitCode == 0, run.Error);
        string hashed = await File.ReadAllTextAsync(path, Cancellation);
        Assert.StartsWith("|1|", hashed, StringComparison.Ordinal);
        Assert.True(KnownHosts.Read(hashed).IsHashed);
        Judged(HostKeyVerdict.Known, hashed, host, port);
        Judged(HostKeyVerdict.Unknown, hashed, "other", port);
    }

    [Theory]
    [InlineData("nat01", 22, true)]
    [InlineData("nat01", 22, false)]
    [InlineData("::1", 2222, true)]
    public async Task Ssh_keygen_finds_what_was_added(string host, int port, bool hashed)
    {
        string path = Path.Combine(_folder, "known");
        if (hashed)
        {
            string line = KnownHosts.Line("other", 22, Key(OtherEd25519), new byte[20]);
            await File.WriteAllTextAsync(path, line, Cancellation);
        }

        var files = new KnownHostsFiles(path);
        Assert.Equal(HostKeyVerdict.Known, await files.AddAsync(host, port, Key(Ed25519), Cancellation));

        string text = await File.ReadAllTextAsync(path, Cancellation);
        Assert.Equal(!hashed, text.Contains(host, StringComparison.Ordinal));
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-F", port == 22 ? host : $"[{host}]:{port}", "-f", path]));
        Assert.True(run.ExitCode == 0, text + run.Error);
        Assert.Contains(Ed25519.Split(' ')[1], run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_added_once_and_never_over_another()
    {
        string path = Path.Combine(_folder, "new", "known");
        var files = new KnownHostsFiles(path);
        Assert.Equal(HostKeyVerdict.Unknown, (await files.ReadAsync(Cancellation)).Judge("nat01", 22, Key(Ed25519)));
        Assert.Equal(HostKeyVerdict.Known, await files.AddAsync("nat01", 22, Key(Ed25519), Cancellation));
        string text = File.ReadAllText(path);
        Assert.Equal($"nat01 {Ed25519}\n", text);
        Assert.Equal(HostKeyVerdict.Known, await files.AddAsync("nat01", 22, Key(Ed25519), Cancellation));
        Assert.Equal(HostKeyVerdict.Changed, await files.AddAsync("nat01", 22, Key(OtherEd25519), Cancellation));
        Assert.Equal(text, File.ReadAllText(path));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task A_last_line_without_an_end_is_not_run_on()
    {
        string path = Path.Combine(_folder, "known");
        File.WriteAllText(path, "nat02 " + OtherEd25519);
        var files = new KnownHostsFiles(path);
        Assert.Equal(HostKeyVerdict.Known, await files.AddAsync("nat01", 22, Key(Ed25519), Cancellation));
        Assert.Equal($"nat02 {OtherEd25519}\nnat01 {Ed25519}\n", File.ReadAllText(path));
    }

    [Fact]
    public async Task Many_who_read_and_write_at_once_all_get_their_turn_and_leave_the_file_whole()
    {
        string path = Path.Combine(_folder, "known");
        await File.WriteAllTextAsync(path, "nat " + OtherEd25519, Cancellation);
        await ReadAndAddAsync(path, [.. Enumerable.Range(0, 200).Select(i => $"nat{i / 2}")]);
        Assert.Equal(
            [.. Enumerable.Range(0, 100).Select(i => $"nat{i} {Ed25519}").Append("nat " + OtherEd25519).Order()],
            (await File.ReadAllLinesAsync(path, Cancellation)).Order());
    }

    [Fact]
    public async Task Another_process_that_adds_lines_at_the_same_time_loses_none_and_costs_nobody_his_own()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock"), "It takes util-linux.");
        string path = Path.Combine(_folder, "known");
        Process other = ProgramRun.Start("sh", ["-c",
            """
            i=0
            while [ $i -lt 100 ]; do
                flock -x "$1" sh -c 'printf "other%s %s\n" "$2" "$3" >>"$1"' sh "$1" $i "$2" || exit
                i=$((i + 1))
            done
            """, "sh", path, Ed25519]);
        await ReadAndAddAsync(path, [.. Enumerable.Range(0, 100).Select(i => $"nat{i}")]);
        ProgramRun run = await ProgramRun.OfAsync(other);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(
            [.. Enumerable.Range(0, 100).SelectMany(i => Lines($"nat{i}", $"other{i}")).Order()],
            (await File.ReadAllLinesAsync(path, Cancellation)).Order());
    }

    [Fact]
    public async Task Who_waits_for_another_process_gets_in_when_that_is_done_and_can_be_cancelled_before()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock"), "It takes util-linux.");
        string path = Path.Combine(_folder, "known");
        await File.WriteAllTextAsync(path, $"nat01 {Ed25519}\n", Cancellation);
        using Process other = ProgramRun.Start("flock", ["-x", path, "sh", "-c", "echo held; read line"]);
        Assert.Equal("held", await other.StandardOutput.ReadLineAsync(Cancellation));

        var files = new KnownHostsFiles(path);
        using var stop = new CancellationTokenSource();
        Task<KnownHosts> cancelled = files.ReadAsync(stop.Token);
        Task<KnownHosts> read = new KnownHostsFiles(path).ReadAsync(Cancellation);
        Task<HostKeyVerdict> added = new KnownHostsFiles(path).AddAsync("nat02", 22, Key(Ed25519), Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.False(read.IsCompleted || added.IsCompleted);

        await other.StandardInput.WriteLineAsync();
        Assert.Equal(HostKeyVerdict.Known, (await read).Judge("nat01", 22, Key(Ed25519)));
        Assert.Equal(HostKeyVerdict.Known, await added);
        Assert.Equal(HostKeyVerdict.Known, (await files.ReadAsync(Cancellation)).Judge("nat02", 22, Key(Ed25519)));
        await other.WaitForExitAsync(Cancellation);
    }

    [Fact]
    public void A_fingerprint_is_the_one_that_ssh_shows() =>
        Assert.Equal("SHA256:ssgO1+mAl3yJVKPSMWPkfw8v0XD83pJXA1s68n3YJhs", Key(Ed25519).Fingerprint);

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("AAAAAA==")]
    [InlineData("AAAA/3NzaA==")]
    [InlineData("/////3NzaA==")]
    public void Bytes_that_are_no_key_are_none(string base64) => Assert.Null(HostKey.Read(Convert.FromBase64String(base64)));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static IEnumerable<string> Lines(params string[] hosts) => hosts.Select(host => $"{host} {Ed25519}");

    private static Task ReadAndAddAsync(string path, string[] hosts) =>
        Task.WhenAll(hosts.Select(host => Task.Run(() => ReadAndAddAsync(path, host), Cancellation)));

    private static async Task ReadAndAddAsync(string path, string host)
    {
        var files = new KnownHostsFiles(path);
        await files.ReadAsync(Cancellation);
        Assert.Equal(HostKeyVerdict.Known, await files.AddAsync(host, 22, Key(Ed25519), Cancellation));
        Assert.Equal(HostKeyVerdict.Known, (await files.ReadAsync(Cancellation)).Judge(host, 22, Key(Ed25519)));
    }

    private static void Judged(HostKeyVerdict expected, string text, string host, int port) =>
        Assert.Equal(expected, KnownHosts.Read(text).Judge(host, port, Key(Ed25519)));

    private static HostKey Key(string words) => HostKey.Read(Convert.FromBase64String(words.Split(' ')[1]))!;
}
