using NatDsa.Ssh;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Private keys as they are found in files: whole ones, and all that can be wrong with one.</summary>
public sealed class SshKeyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-keys-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("-t ed25519")]
    [InlineData("-t ecdsa -b 521")]
    [InlineData("-t rsa -b 2048")]
    [InlineData("-t rsa -b 2048 -m PEM")]
    [InlineData("-t ecdsa -m PKCS8")]
    [InlineData("-t ed25519 -N secret -a 1")]
    [InlineData("-t rsa -b 2048 -m PEM -N secret")]
    [InlineData("-t ecdsa -m PKCS8 -N secret")]
    public async Task A_key_that_was_cut_off_anywhere_is_of_no_use_and_nothing_worse(string options)
    {
        string path = await MakeAsync("key", options);
        bool isLocked = options.Contains("-N", StringComparison.Ordinal);
        SshKeyFile whole = SshKeyFile.Read(path, null);
        Assert.Equal(isLocked ? SshKeyFlaw.Locked : SshKeyFlaw.None, whole.Flaw);
        Assert.Equal(SshKeyFlaw.None, SshKeyFile.Read(path, isLocked ? "secret" : null).Flaw);

        byte[] content = await File.ReadAllBytesAsync(path, Cancellation);
        string[] lines = await File.ReadAllLinesAsync(path, Cancellation);
        string cut = Path.Combine(_folder, "cut");
        int end = content.AsSpan().LastIndexOf("-----END"u8);
        for (int length = 0; length < end; length += 1 + (content.Length / 100))
        {
            await File.WriteAllBytesAsync(cut, content[..length], Cancellation);
            Assert.NotEqual(SshKeyFlaw.None, SshKeyFile.Read(cut, null).Flaw);
        }

        // The end is there, and something before it is missing.
        for (int left = 1; left < lines.Length - 2; left++)
        {
            await File.WriteAllLinesAsync(cut, [.. lines[..left], lines[^1]], Cancellation);
            SshKeyFile read = SshKeyFile.Read(cut, isLocked ? "secret" : null);
            Assert.Equal(read.Flaw == SshKeyFlaw.None, read.Why.Length == 0);
        }
    }

    [Theory]
    [InlineData("", nameof(SshKeyFlaw.Unusable), "empty")]
    [InlineData("garbage\n", nameof(SshKeyFlaw.Unusable), "no private key")]
    [InlineData(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!\n-----END OPENSSH PRIVATE KEY-----\n",
        nameof(SshKeyFlaw.Unusable),
        "no private key")]
    [InlineData("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwABAg== me@here\n", nameof(SshKeyFlaw.Public), "public")]
    [InlineData("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", nameof(SshKeyFlaw.Unusable), "")]
    public async Task What_is_no_private_key_says_so(string content, string flaw, string why)
    {
        string path = Path.Combine(_folder, "key");
        await File.WriteAllTextAsync(path, content, Cancellation);
        SshKeyFile read = SshKeyFile.Read(path, null);
        Assert.Equal(flaw, read.Flaw.ToString());
        Assert.Contains(why, read.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_type_that_is_not_known_is_named()
    {
        SshKeyFile read = SshKeyFile.Read(await MakeAsync("key", "-t dsa"), null);
        Assert.Equal(SshKeyFlaw.Unusable, read.Flaw);
        Assert.Contains("ssh-dss", read.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-t ed25519")]
    [InlineData("-t rsa -b 2048 -m PEM")]
    public async Task Lines_may_end_as_Windows_ends_them(string options)
    {
        string path = await MakeAsync("key", options);
        string text = await File.ReadAllTextAsync(path, Cancellation);
        string ended = text.Replace("\n", "\r\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, "\uFEFF" + ended, Cancellation);
        Assert.Equal(SshKeyFlaw.None, SshKeyFile.Read(path, null).Flaw);
    }

    [Fact]
    public void A_folder_and_a_file_that_is_not_there_are_no_keys()
    {
        Assert.Equal(SshKeyFlaw.Unusable, SshKeyFile.Read(_folder, null).Flaw);
        Assert.Equal(SshKeyFlaw.Missing, SshKeyFile.Read(Path.Combine(_folder, "absent"), null).Flaw);
        Assert.Equal(SshKeyFlaw.Missing, SshKeyFile.Read(Path.Combine(_folder, "absent", "key"), null).Flaw);
    }

    [Fact]
    public async Task Each_that_is_passed_over_is_told_once_and_a_protected_one_not_at_all()
    {
        string locked = await MakeAsync("locked", "-t ed25519 -N secret -a 1");
        string garbage = Path.Combine(_folder, "garbage");
        await File.WriteAllTextAsync(garbage, "x", Cancellation);
        string absent = Path.Combine(_folder, "absent");
        var ring = new SshKeyRing();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(
            () =>
            {
                ring.Of(locked, isUsual: true);
                ring.Of(garbage, isUsual: true);
                ring.Of(absent, isUsual: true);
                ring.Of(absent + "2", isUsual: false);
            },
            Cancellation)));
        Assert.Equal([absent + "2", garbage], ring.TakePassedOver().Select(k => k.Path).Order());
        Assert.Empty(ring.TakePassedOver());
    }

    private async Task<string> MakeAsync(string name, string options)
    {
        string path = Path.Combine(_folder, name);
        string[] words = options.Split(' ');
        if (!words.Contains("-N"))
            words = [.. words, "-N", ""];
        ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-keygen", ["-q", "-f", path, .. words]));
        Assert.True(run.ExitCode == 0, run.Error);
        return path;
    }
}
