using System.Globalization;

namespace NatDsa.Host.Resources;

/// <summary>Fills the places of a message.</summary>
internal static class MessageFormat
{
    public static string With(this string message, params ReadOnlySpan<object?> values) => string.Format(CultureInfo.CurrentCulture, message, values);
}
