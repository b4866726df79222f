using System.Security;
using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Security;

namespace NatDsa.Ssh;

/// <summary>One login: what it is tried with, and with what it came about.</summary>
/// <param name="cancellation">Ends the waits for an agent.</param>
internal sealed class SshLoginAttempt(CancellationToken cancellation)
{
    private readonly List<SshProof> _proofs = [];
    private readonly List<IPrivateKeySource> _keys = [];

    /// <summary>The ways to log in, in the order in which they are tried.</summary>
    public AuthenticationMethod[] Methods { get; private set; } = [];

    /// <summary>What it was tried with, and what was missing.</summary>
    public IReadOnlyList<SshProof> Proofs => _proofs;

    /// <summary>What the host took, once it has.</summary>
    public SshProof? Accepted { get; private set; }

    /// <summary>The connection: what the server calls itself tells which signatures it knows.</summary>
    public ConnectionInfo? Connection { get; set; }

    /// <summary>Tells of something that is not tried.</summary>
    public void Note(SshProofKind kind, string name = "") => _proofs.Add(new SshProof(kind, name));

    /// <summary>Offers a key of a file.</summary>
    public void Offer(string path, IPrivateKeySource key) =>
        Offer(new SshProof(SshProofKind.Key, path), key.HostKeyAlgorithms);

    /// <summary>Offers a key of an agent.</summary>
    public void Offer(SshAgent agent, SshAgentKey key)
    {
        string name = key.Comment.Length > 0 ? key.Comment : HostKey.Read(key.PublicKey)!.Fingerprint;
        (string Name, uint Flags)[] signatures = key.Type switch
        {
            "ssh-rsa" => [("rsa-sha2-512", 4), ("rsa-sha2-256", 2), ("ssh-rsa", 0)],
            "ssh-rsa-cert-v01@openssh.com" => [("rsa-sha2-512-cert-v01@openssh.com", 4)],
            _ => [(key.Type, 0)],
        };
        Offer(
            new SshProof(SshProofKind.AgentKey, name),
            signatures.Select(s =>
                new Signature(s.Name, key.PublicKey, data => Sign(agent, key, s.Name, s.Flags, data))));
    }

    /// <summary>Tries the keys that were offered; false when there are none.</summary>
    public bool UseKeys(string userName)
    {
        if (_keys.Count == 0)
            return false;
        Methods = [new PrivateKeyAuthenticationMethod(userName, [.. _keys])];
        return true;
    }

    /// <summary>Tries a password.</summary>
    public void UsePassword(string userName, SecureString password)
    {
        var once = new PasswordOnce(userName, Encoding.UTF8.GetBytes(SshLogin.Plain(password)));
        Methods = [once, Dialogue(userName, password, once)];
        Accepted = new SshProof(SshProofKind.Password);
        _proofs.Add(Accepted);
    }

    /// <summary>
    /// The password as the answer to the one question that a server asks. A password that was refused already is not
    /// sent again, and a second question gets none: accounts are locked after a few failures.
    /// </summary>
    private static KeyboardInteractiveAuthenticationMethod Dialogue(
        string userName, SecureString password, PasswordOnce refused)
    {
        var method = new KeyboardInteractiveAuthenticationMethod(userName);
        bool answered = false;
        method.AuthenticationPrompt += (_, e) =>
        {
            foreach (AuthenticationPrompt prompt in e.Prompts)
            {
                if (answered || refused.WasTried || prompt.IsEchoed)
                    throw new SshAuthenticationException("The host asks for more than a password.");
                prompt.Response = SshLogin.Plain(password);
                answered = true;
            }
        };
        return method;
    }

    private void Offer(SshProof proof, IEnumerable<HostAlgorithm> signatures)
    {
        _proofs.Add(proof);
        _keys.Add(new Key(this, [.. signatures.Select(s => new Signature(s.Name, s.Data, data =>
        {
            // A host is asked first whether it would take a key: the last one that signs is the one that logs in.
            Accepted = proof;
            return s.Sign(data);
        })).OrderBy(s => s.Name switch { "rsa-sha2-512" => 0, "rsa-sha2-256" => 1, _ => 2 })]));
    }

    private byte[] Sign(SshAgent agent, SshAgentKey key, string name, uint flags, byte[] data)
    {
        try
        {
            // This is a thread of the transport's, which waits for nothing else.
            return agent.SignAsync(key.PublicKey, data, flags, cancellation).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            // No signature is refused by the host, and the next key is tried.
            Note(SshProofKind.FailedAgent, $"{key.Comment}: {e.Message}");
            return [0, 0, 0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), 0, 0, 0, 0];
        }
    }

    /// <summary>
    /// Whether a signature is worth a try: a server counts each that it refuses as a failed one. OpenSSH knows RSA with
    /// SHA-2 since 7.2, and nothing but SHA-1 before that; of another server it is not known.
    /// </summary>
    private bool IsWorthATry(string signature) => signature switch
    {
        "rsa-sha2-512" => KnowsSha2 != false,
        "rsa-sha2-256" => KnowsSha2 is null,
        "ssh-rsa" => KnowsSha2 != true,
        _ => true,
    };

    private bool? KnowsSha2
    {
        get
        {
            const string Mark = "OpenSSH_";
            string server = Connection?.ServerVersion ?? "";
            int at = server.IndexOf(Mark, StringComparison.Ordinal);
            if (at < 0)
                return null;
            string number =
                string.Concat(server[(at + Mark.Length)..].TakeWhile(c => char.IsAsciiDigit(c) || c == '.'));
            return Version.TryParse(number, out Version? version) ? version >= new Version(7, 2) : null;
        }
    }

    private sealed class Key(SshLoginAttempt attempt, HostAlgorithm[] signatures) : IPrivateKeySource
    {
        // Asked for when the server has said what it is.
        public IReadOnlyCollection<HostAlgorithm> HostKeyAlgorithms =>
            [.. signatures.Where(s => attempt.IsWorthATry(s.Name))];
    }

    private sealed class Signature(string name, byte[] publicKey, Func<byte[], byte[]> sign) : HostAlgorithm(name)
    {
        public override byte[] Data => publicKey;

        public override byte[] Sign(byte[] data) => sign(data);

        // What a client proves is not its own to verify.
        public override bool VerifySignature(byte[] data, byte[] signature) => throw new NotSupportedException();
    }

    private sealed class PasswordOnce(string userName, byte[] password)
        : PasswordAuthenticationMethod(userName, password)
    {
        public bool WasTried { get; private set; }

        public override AuthenticationResult Authenticate(Session session)
        {
            WasTried = true;
            return base.Authenticate(session);
        }
    }
}
