using System.Net;
using System.Security.Cryptography;
using System.Text;
using NatDsa.Probe;

namespace NatDsa.Targets;

/// <summary>How <c>/bin/sh</c> is started for a script: constant arguments, and everything else on standard input.</summary>
internal static class ShellLaunch
{
    private static readonly string s_launch = Read("launch.sh");

    /// <summary>The arguments of <c>/bin/sh</c>.</summary>
    public static string[] Arguments(Sudo? sudo) =>
        ["-c", s_launch, "sh", sudo switch { null => "as-is", { Password: null } => "sudo", _ => "password" }];

    /// <summary>What goes to standard input.</summary>
    public static byte[] Input(HostScript script, Sudo? sudo)
    {
        byte[] input = script.ToStandardInput();
        if (sudo?.Password is not { } password)
            return input;
        byte[] line = Encoding.UTF8.GetBytes(new NetworkCredential("", password).Password + "\n");
        byte[] both = [.. line, .. input];
        CryptographicOperations.ZeroMemory(line);
        return both;
    }

    internal static string Read(string name)
    {
        using Stream stream = typeof(ShellLaunch).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
