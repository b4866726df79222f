using System.Net;
using System.Security;
using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>How users prove who they are: a password, or a key, or the keys in <c>~/.ssh</c>.</summary>
internal sealed class SshLogin
{
    private readonly SecureString? _password;
    private readonly Lazy<SshKeys>? _keys;

    /// <summary>Nothing is read before the first host is connected to.</summary>
    /// <param name="password">The password; with a key file, the key's passphrase; null for neither.</param>
    /// <param name="keyFile">The key's file; null: the password alone, or the default keys.</param>
    public SshLogin(SecureString? password, string? keyFile)
    {
        _password = keyFile is null ? password : null;
        if (keyFile is not null)
            _keys = new Lazy<SshKeys>(() => SshKeys.Read(keyFile, password is null ? null : Plain(password)));
        else if (password is null)
            _keys = new Lazy<SshKeys>(SshKeys.ReadDefaults);
    }

    /// <summary>The ways to log in, in the order in which they are tried.</summary>
    /// <exception cref="SshFailureException">There is nothing to log in with.</exception>
    public AuthenticationMethod[] Methods(string userName, string host)
    {
        if (_password is { } password)
        {
            var once = new PasswordOnce(userName, Encoding.UTF8.GetBytes(Plain(password)));
            return [once, Dialogue(userName, password, once)];
        }

        SshKeys keys = _keys!.Value;
        return keys.All.Count > 0
            ? [new PrivateKeyAuthenticationMethod(userName, [.. keys.All])]
            : throw new SshFailureException(SshFailure.NothingToLogInWith, host, string.Join(", ", keys.Locked));
    }

    /// <summary>
    /// The password as the answer to the one question that a server asks. A password that was refused already is not sent again, and
    /// a second question gets none: accounts are locked after a few failures.
    /// </summary>
    private static KeyboardInteractiveAuthenticationMethod Dialogue(string userName, SecureString password, PasswordOnce refused)
    {
        var method = new KeyboardInteractiveAuthenticationMethod(userName);
        bool answered = false;
        method.AuthenticationPrompt += (_, e) =>
        {
            foreach (AuthenticationPrompt prompt in e.Prompts)
            {
                if (answered || refused.WasTried || prompt.IsEchoed)
                    throw new SshAuthenticationException("The host asks for more than a password.");
                prompt.Response = Plain(password);
                answered = true;
            }
        };
        return method;
    }

    private static string Plain(SecureString password) => new NetworkCredential("", password).Password;

    private sealed class PasswordOnce(string userName, byte[] password) : PasswordAuthenticationMethod(userName, password)
    {
        public bool WasTried { get; private set; }

        public override AuthenticationResult Authenticate(Session session)
        {
            WasTried = true;
            return base.Authenticate(session);
        }
    }
}
