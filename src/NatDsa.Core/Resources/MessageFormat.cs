using System.Globalization;

namespace NatDsa.Resources;

internal static class MessageFormat
{
    /// <summary>Fills a message's <c>{0}</c>, <c>{1}</c>, … in. Texts may be from a host: they lose what could drive a terminal.</summary>
    public static string With(this string message, params object?[] values) =>
        string.Format(CultureInfo.CurrentCulture, message, [.. values.Select(v => v is string text ? Untrusted.Lines(text) : v)]);
}
