using System.Text;
using NatDsa.Probe;

namespace NatDsa.Privilege;

/// <summary>
/// <c>natdsa-host</c>: one program that holds every script that root runs, to be installed on a host where sudo lets a user run nothing else. It gets
/// what a shell would get, and runs it only if it is one of those scripts, with values that such a script may be given (natdsa-host.sh).
/// </summary>
internal static class HostCommand
{
    /// <summary>Where it is installed. Where it is, sudo starts it; elsewhere, a shell.</summary>
    public const string Path = "/usr/local/sbin/natdsa-host";

    /// <summary>Its exit code when the script is of another version, or needs the other argument.</summary>
    public const int UnknownScript = 76;

    /// <summary>Its exit code when a value is none that the script may be given.</summary>
    public const int RefusedValue = 77;

    /// <summary>What its words on standard error begin with.</summary>
    public const string Said = "natdsa-host: ";

    /// <summary>Its argument for a script.</summary>
    public static string Argument(HostPrivilege privilege) => privilege switch
    {
        HostPrivilege.Read => "read",
        HostPrivilege.Change => "change",
        _ => throw new ArgumentOutOfRangeException(nameof(privilege), privilege, null),
    };

    /// <summary>Its text: the program, which scripts belong to which argument, and the files that those are made of.</summary>
    public static byte[] ToBytes()
    {
        var text = new MemoryStream();
        text.Write(HostScript.File("natdsa-host.sh"));
        foreach (ScriptFiles script in ScriptFiles.OfRoot)
            Line($"#: {Argument(script.Privilege)} {string.Join(' ', script.Names)}");
        foreach (string file in ScriptFiles.OfRoot.SelectMany(script => script.Names).Distinct())
        {
            Line($"#---- {file}");
            text.Write(HostScript.File(file));
        }

        return text.ToArray();

        void Line(string line) => text.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
