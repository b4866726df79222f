using System.Management.Automation;
using System.Reflection;

namespace NatDsa.Host;

/// <summary>Which NatDsa this is, on which engine.</summary>
internal static class ProductVersion
{
    /// <summary>NatDsa's version: the module manifest's.</summary>
    public static Version NatDsa { get; } = typeof(ProductVersion).Assembly.GetName().Version!;

    /// <summary>Such as <c>NatDsa 0.1.0 (PowerShell 7.6.9)</c>.</summary>
    public static string Text => $"NatDsa {NatDsa.ToString(3)} (PowerShell {Engine})";

    // "7.6.9 SHA: 0123..+..": what stands before the first blank.
    private static string Engine =>
        typeof(PSObject).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split(' ', '+')[0];
}
