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
        await File.WriteAllTextAsync(path, KnownHosts.Line(host, port, Key(Ed25519), null), TestContext.Current.CancellationToken);
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-H", "-f", path]));
        Assert.True(run.ExitCode == 0, run.Error);
        string hashed = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
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
            await File.WriteAllTextAsync(path, KnownHosts.Line("other", 22, Key(OtherEd25519), new byte[20]), TestContext.Current.CancellationToken);
        var files = new KnownHostsFiles(path);
        Assert.Equal(HostKeyVerdict.Known, files.Add(host, port, Key(Ed25519)));

        string text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(!hashed, text.Contains(host, StringComparison.Ordinal));
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-F", port == 22 ? host : $"[{host}]:{port}", "-f", path]));
        Assert.True(run.ExitCode == 0, text + run.Error);
        Assert.Contains(Ed25519.Split(' ')[1], run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_is_added_once_and_never_over_another()
    {
        string path = Path.Combine(_folder, "new", "known");
        var files = new KnownHostsFiles(path);
        Assert.Equal(HostKeyVerdict.Unknown, files.Read().Judge("nat01", 22, Key(Ed25519)));
        Assert.Equal(HostKeyVerdict.Known, files.Add("nat01", 22, Key(Ed25519)));
        string text = File.ReadAllText(path);
        Assert.Equal($"nat01 {Ed25519}\n", text);
        Assert.Equal(HostKeyVerdict.Known, files.Add("nat01", 22, Key(Ed25519)));
        Assert.Equal(HostKeyVerdict.Changed, files.Add("nat01", 22, Key(OtherEd25519)));
        Assert.Equal(text, File.ReadAllText(path));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_last_line_without_an_end_is_not_run_on()
    {
        string path = Path.Combine(_folder, "known");
        File.WriteAllText(path, "nat02 " + OtherEd25519);
        Assert.Equal(HostKeyVerdict.Known, new KnownHostsFiles(path).Add("nat01", 22, Key(Ed25519)));
        Assert.Equal($"nat02 {OtherEd25519}\nnat01 {Ed25519}\n", File.ReadAllText(path));
    }

    [Fact]
    public async Task Many_at_once_do_not_damage_the_file()
    {
        string path = Path.Combine(_folder, "known");
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Factory.StartNew(
            () => Assert.Equal(HostKeyVerdict.Known, new KnownHostsFiles(path).Add($"nat{i / 2}", 22, Key(Ed25519))),
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        string[] lines = await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"nat{i} {Ed25519}").Order(), lines.Order());
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

    private static void Judged(HostKeyVerdict expected, string text, string host, int port) =>
        Assert.Equal(expected, KnownHosts.Read(text).Judge(host, port, Key(Ed25519)));

    private static HostKey Key(string words) => HostKey.Read(Convert.FromBase64String(words.Split(' ')[1]))!;
}
