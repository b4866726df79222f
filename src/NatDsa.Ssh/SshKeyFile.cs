using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>Why the file of a private key is of no use.</summary>
internal enum SshKeyFlaw
{
    /// <summary>It is of use.</summary>
    None,

    /// <summary>It is not there.</summary>
    Missing,

    /// <summary>It is protected by a passphrase, and none was given.</summary>
    Locked,

    /// <summary>It holds a public key.</summary>
    Public,

    /// <summary>
    /// Anything else: it may not be read, was cut off, is of a type that is not known, or no key at all.
    /// </summary>
    Unusable,
}

/// <summary>The file of a private key, as it was read. Whatever is in it, reading it does not fail.</summary>
internal sealed class SshKeyFile
{
    private const string PublicEnding = ".pub";

    private SshKeyFile(string path) => Path = path;

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The key; null when the file is of no use.</summary>
    public IPrivateKeySource? Key { get; private init; }

    /// <summary>Why it is of no use.</summary>
    public SshKeyFlaw Flaw { get; private init; }

    /// <summary>The same in words.</summary>
    public string Why { get; private init; } = "";

    /// <summary>What came of reading it, where that is known.</summary>
    public Exception? Cause { get; private init; }

    /// <summary>
    /// The public key, in the wire format, by which an agent's key can be known to be this one; null when it is not
    /// known.
    /// </summary>
    public byte[]? PublicKey { get; private init; }

    /// <summary>Reads a key.</summary>
    /// <param name="path">Its file: OpenSSH's form or PEM; RSA, ECDSA or Ed25519.</param>
    /// <param name="passphrase">What protects it, if anything does.</param>
    public static SshKeyFile Read(string path, string? passphrase)
    {
        byte[] content;
        try
        {
            if (Directory.Exists(path))
                return Useless(path, SshKeyFlaw.Unusable, "It is a folder.", null);
            content = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Useless(path, SshKeyFlaw.Missing, "There is no such file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Useless(path, SshKeyFlaw.Unusable, e.Message, e);
        }

        if (content.Length == 0)
            return Useless(path, SshKeyFlaw.Unusable, "It is empty.", null);
        if (PublicKeyOf(content) is not null)
        {
            string said = path.EndsWith(PublicEnding, StringComparison.Ordinal)
                ? $"It is a public key. The private one is mostly beside it: {path[..^PublicEnding.Length]}."
                : "It is a public key.";
            return Useless(path, SshKeyFlaw.Public, said, null, content);
        }

        bool isEncryptedPkcs8 = content.AsSpan().StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----"u8);
        try
        {
            // The reader of PKCS #8 takes a character for a byte, where ssh-keygen takes the passphrase's UTF-8.
            if (passphrase is not null && isEncryptedPkcs8)
                passphrase = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(passphrase));
            using var stream = new MemoryStream(content);
            var key = new PrivateKeyFile(stream, passphrase);
            return new SshKeyFile(path) { Key = key, PublicKey = key.HostKeyAlgorithms.First().Data };
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What a broken key, or a wrong passphrase, makes of the bytes is anything: the reader throws whatever
            // comes of it.
            bool hasPassphrase = !string.IsNullOrEmpty(passphrase);
            if (e is SshPassPhraseNullOrEmptyException || (isEncryptedPkcs8 && !hasPassphrase))
            {
                const string Locked = "The key is protected by a passphrase, and none was given.";
                return Useless(path, SshKeyFlaw.Locked, Locked, e, PublicHalf(path));
            }

            bool isUnknownType = e is SshException && e.Message.EndsWith("is not supported.", StringComparison.Ordinal);
            string said = isUnknownType ? e.Message
                : hasPassphrase ? "The passphrase is wrong, or it is no private key of a known form."
                : "It is no private key of a known form, or a part of it is missing.";
            return Useless(path, SshKeyFlaw.Unusable, said, e);
        }
    }

    private static SshKeyFile Useless(
        string path, SshKeyFlaw flaw, string why, Exception? cause, byte[]? publicHalf = null) =>
        new(path)
        {
            Flaw = flaw,
            Why = why,
            Cause = cause,
            PublicKey = publicHalf is null ? null : PublicKeyOf(publicHalf),
        };

    private static byte[]? PublicHalf(string path)
    {
        try
        {
            return File.ReadAllBytes(path + PublicEnding);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without it, an agent's key cannot be known to be this one.
            return null;
        }
    }

    /// <summary>Reads a line as ssh-keygen writes it: the type, the key in base64, a comment.</summary>
    private static byte[]? PublicKeyOf(byte[] content)
    {
        const int MuchOfALine = 32 << 10;
        string text = Encoding.Latin1.GetString(content, 0, Math.Min(content.Length, MuchOfALine));
        string[] words = text.Split((char[]?)null, 3, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2)
            return null;
        byte[] blob = new byte[words[1].Length];
        return Convert.TryFromBase64String(words[1], blob, out int length)
            && HostKey.Read(blob[..length]) is { } key
            && key.Type == words[0]
                ? blob[..length]
                : null;
    }
}
