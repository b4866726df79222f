using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NatDsa.Targets;

/// <summary>
/// A host as ssh's users write it: <c>[user@]host[:port]</c> or <c>ssh://[user@]host[:port]</c>, an IPv6 address with a
/// port in brackets. Every parameter that names a host reads it here.
/// </summary>
internal readonly record struct HostAddress(string Host, string? UserName, int? Port)
{
    private const string Scheme = "ssh://";

    // What a shell or ssh's own configuration would read as something else (ssh refuses these, too), and what parts
    // a list of hosts.
    private static readonly SearchValues<char> s_neverInName = SearchValues.Create("'`\"$\\;&<>|(){}[]%,");
    private static readonly SearchValues<char> s_neverInZone = SearchValues.Create("'`\"$\\;&<>|(){}[]%,:/");

    /// <summary>Reads it; false when it is none, or says more than where a host is: a path, a password.</summary>
    public static bool TryRead(string text, out HostAddress address)
    {
        string rest = text.Trim();
        bool isUri = rest.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);
        if (isUri)
        {
            rest = rest[Scheme.Length..];
            if (rest.EndsWith('/'))
                rest = rest[..^1];
        }

        address = default;
        string? user = null;
        int at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            (user, rest) = (rest[..at], rest[(at + 1)..]);
            if ((isUri && !TryUnescape(user, out user)) || !IsUser(user))
                return false;
        }

        if (!TrySplit(rest, out string host, out string? port) || !TryReadPort(port, out int? number))
            return false;
        // RFC 6874: the zone of an IPv6 address has its percent sign escaped.
        if (isUri)
            host = host.Replace("%25", "%", StringComparison.Ordinal);
        if (!(host.Contains(':') ? IsIPv6(host) : IsName(host, isUri)))
            return false;
        address = new HostAddress(host, user, number);
        return true;
    }

    // A port of null: none is given.
    private static bool TrySplit(string text, out string host, out string? port)
    {
        (host, port) = (text, null);
        string behind;
        if (text.StartsWith('['))
        {
            int end = text.IndexOf(']');
            if (end < 0)
                return false;
            (host, behind) = (text[1..end], text[(end + 1)..]);
        }
        else
        {
            int colon = text.IndexOf(':');
            // More than one and no brackets: an IPv6 address without a port.
            if (colon < 0 || text.LastIndexOf(':') != colon)
                return true;
            (host, behind) = (text[..colon], text[colon..]);
        }

        if (behind.Length == 0)
            return true;
        port = behind[1..];
        return behind[0] == ':';
    }

    private static bool TryReadPort(string? text, out int? port)
    {
        port = null;
        if (text is null)
            return true;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number is < 1 or > 65535)
            return false;
        port = number;
        return true;
    }

    // A colon parts a user from a password, which no command line should have. What begins with a hyphen would be an
    // option to ssh.
    private static bool IsUser(string user) =>
        user.Length > 0 && user[0] != '-' && !user.Contains(':') && !user.Contains('/') && !HasBlank(user);

    // A name of ssh's configuration can have a slash inside it.
    private static bool IsName(string host, bool isUri) =>
        host.Length > 0
        && host[0] is not ('-' or '/')
        && host[^1] != '/'
        && !(isUri && host.AsSpan().ContainsAny("/?#"))
        && !host.AsSpan().ContainsAny(s_neverInName)
        && !HasBlank(host);

    private static bool IsIPv6(string host)
    {
        int percent = host.IndexOf('%');
        string zone = percent < 0 ? "" : host[(percent + 1)..];
        return (percent < 0 || (zone.Length > 0 && !zone.AsSpan().ContainsAny(s_neverInZone) && !HasBlank(zone)))
            && IPAddress.TryParse(percent < 0 ? host : host[..percent], out IPAddress? address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool HasBlank(string text) => text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));

    private static bool TryUnescape(string text, out string plain)
    {
        plain = Uri.UnescapeDataString(text);
        return !text.Where((c, i) => c == '%' && !Uri.IsHexEncoding(text, i)).Any();
    }
}
