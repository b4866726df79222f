using System.Globalization;

namespace NatDsa.Targets;

/// <summary>A host as ssh's users write it: <c>[user@]host[:port]</c>, an IPv6 address with a port in brackets.</summary>
internal readonly record struct HostAddress(string Host, string? UserName, int? Port)
{
    public static bool TryRead(string text, out HostAddress address)
    {
        address = default;
        string rest = text.Trim();
        string? user = null;
        int at = rest.LastIndexOf('@');
        if (at == 0)
            return false;
        if (at > 0)
            (user, rest) = (rest[..at], rest[(at + 1)..]);

        int? port = null;
        int colon = rest.LastIndexOf(':');
        bool bracketed = rest.StartsWith('[');
        // More than one colon and no brackets: an IPv6 address without a port.
        if (colon > rest.IndexOf(']', StringComparison.Ordinal) && (bracketed || rest.IndexOf(':', StringComparison.Ordinal) == colon))
        {
            if (!int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > 65535)
                return false;
            (port, rest) = (number, rest[..colon]);
        }

        if (bracketed && rest.EndsWith(']'))
            rest = rest[1..^1];

        // A name that begins with a hyphen would be an option to ssh.
        if (rest.Length == 0 || rest[0] == '-' || rest.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
            return false;
        address = new HostAddress(rest, user, port);
        return true;
    }
}
