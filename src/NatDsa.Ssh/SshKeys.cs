using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Security;

namespace NatDsa.Ssh;

/// <summary>Private keys, read once for all the hosts that they log in to.</summary>
internal sealed class SshKeys
{
    // The order in which they are offered: cheap and strong first.
    private static readonly string[] s_defaultNames = ["id_ed25519", "id_ecdsa", "id_rsa"];

    private readonly List<IPrivateKeySource> _keys = [];

    private SshKeys()
    {
    }

    /// <summary>The keys.</summary>
    public IReadOnlyList<IPrivateKeySource> All => _keys;

    /// <summary>Default keys that are protected by a passphrase, and so of no use.</summary>
    public List<string> Locked { get; } = [];

    /// <summary>Reads one key.</summary>
    /// <param name="path">Its file: OpenSSH's form or PEM; RSA, ECDSA or Ed25519.</param>
    /// <param name="passphrase">What protects it, if anything does.</param>
    /// <exception cref="SshFailureException">It cannot be read: the message says why.</exception>
    public static SshKeys Read(string path, string? passphrase)
    {
        var keys = new SshKeys();
        try
        {
            keys.Add(path, passphrase);
            return keys;
        }
        catch (SshPassPhraseNullOrEmptyException e)
        {
            throw new SshFailureException(SshFailure.KeyUnusable, path, "The key is protected by a passphrase, and none was given.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SshFailureException(SshFailure.KeyUnusable, path, e.Message, e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What a broken key, or a wrong passphrase, makes of the bytes is anything: the reader throws whatever comes of it.
            string said = string.IsNullOrEmpty(passphrase) ? "It is no private key of a known form." : "The passphrase is wrong, or it is no private key of a known form.";
            throw new SshFailureException(SshFailure.KeyUnusable, path, said, e);
        }
    }

    /// <summary>Reads the user's default keys: those in <c>~/.ssh</c> that need no passphrase.</summary>
    public static SshKeys ReadDefaults()
    {
        var keys = new SshKeys();
        string folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh");
        foreach (string path in s_defaultNames.Select(n => Path.Combine(folder, n)).Where(File.Exists))
        {
            try
            {
                keys.Add(path, null);
            }
            catch (SshPassPhraseNullOrEmptyException)
            {
                keys.Locked.Add(path);
            }
            catch (Exception e) when (e is SshException or IOException or UnauthorizedAccessException)
            {
                // Not a key that can be used: ssh passes it over, too.
            }
        }

        return keys;
    }

    private void Add(string path, string? passphrase)
    {
        byte[] content = File.ReadAllBytes(path);
        // The reader of PKCS #8 takes a character for a byte, where ssh-keygen takes the passphrase's UTF-8.
        if (passphrase is not null && content.AsSpan().StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----"u8))
            passphrase = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(passphrase));
        using var stream = new MemoryStream(content);
        _keys.Add(new Key(new PrivateKeyFile(stream, passphrase)));
    }

    /// <summary>A key, with the signatures that today's servers take in front; a server counts each that it refuses as a failed try.</summary>
    private sealed class Key(PrivateKeyFile file) : IPrivateKeySource
    {
        public IReadOnlyCollection<HostAlgorithm> HostKeyAlgorithms { get; } =
            [.. file.HostKeyAlgorithms.OrderBy(a => a.Name switch { "rsa-sha2-512" => 0, "rsa-sha2-256" => 1, _ => 2 })];
    }
}
