using System.Runtime.CompilerServices;

namespace NatDsa.Tests.Netfilter;

/// <summary>The files in <c>samples/</c>.</summary>
internal static class Samples
{
    public static string PathOf(string name) => Path.Combine(Root(), "samples", name);

    public static string Text(string name) => File.ReadAllText(PathOf(name));

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));
}
