using System.Globalization;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>What stands for something else in the names of files that ssh's configuration has.</summary>
/// <param name="Home">The home of who asks; null: there is none.</param>
/// <param name="LocalUser">Who asks.</param>
/// <param name="OriginalHost">The host, as it was named.</param>
/// <param name="Server">The server, and the user who logs in.</param>
/// <param name="KeyAlias">The name by which the host's key is known.</param>
/// <param name="Variable">The environment; null: there is no such variable.</param>
internal sealed record SshTokens(
    string? Home,
    string LocalUser,
    string OriginalHost,
    SshServerAddress Server,
    string? KeyAlias,
    Func<string, string?> Variable)
{
    /// <summary>A name of a file, with everything in it put in its place.</summary>
    /// <param name="line">Where it stands.</param>
    /// <param name="name">The name.</param>
    /// <exception cref="SshConfigException">It has something in it that is not understood.</exception>
    public string Expand(SshConfigLine line, string name)
    {
        var text = new StringBuilder();
        int i = 0;
        if (name.StartsWith('~'))
        {
            if (name.Length > 1 && name[1] is not ('/' or '\\'))
                throw line.Not("another user's home is not looked up here");
            text.Append(HomeFor(line));
            i = 1;
        }

        for (; i < name.Length; i++)
        {
            if (name[i] == '%')
            {
                text.Append(Token(line, ++i < name.Length ? name[i] : '\0'));
            }
            else if (name[i] == '$' && i + 1 < name.Length && name[i + 1] == '{')
            {
                int end = name.IndexOf('}', i);
                if (end < 0)
                    throw line.Not("a brace has no end");
                string variable = name[(i + 2)..end];
                text.Append(Variable(variable) ?? throw line.Not($"there is no environment variable {variable}"));
                i = end;
            }
            else
            {
                text.Append(name[i]);
            }
        }

        return text.ToString();
    }

    private string Token(SshConfigLine line, char token) => token switch
    {
        '%' => "%",
        'd' => HomeFor(line),
        'h' => Server.Host,
        'k' => KeyAlias ?? OriginalHost,
        'n' => OriginalHost,
        'p' => Server.Port.ToString(CultureInfo.InvariantCulture),
        'r' => Server.UserName,
        'u' => LocalUser,
        '\0' => throw line.Not("a token has no letter"),
        _ => throw line.Not($"the token %{token} is not understood"),
    };

    private string HomeFor(SshConfigLine line) => Home ?? throw line.Not("the user has no home");
}
