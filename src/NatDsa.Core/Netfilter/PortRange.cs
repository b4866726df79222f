using System.Globalization;

namespace NatDsa.Netfilter;

/// <summary>Ports, from the first to the last, both among them.</summary>
/// <param name="First">The first, 0 to 65535.</param>
/// <param name="Last">The last, not below the first.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    /// <summary>Whether a port is one of these.</summary>
    public bool Contains(int port) => port >= First && port <= Last;

    /// <summary>Reads <c>80</c>, <c>80:90</c>, <c>80-90</c>, <c>:90</c> (from 0) and <c>80:</c> (to 65535), as iptables writes them.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange range)
    {
        range = default;
        int separator = text.IndexOfAny(':', '-');
        if (separator < 0)
        {
            if (!TryPort(text, 0, out ushort port) || text.IsEmpty)
                return false;
            range = new(port, port);
            return true;
        }

        if (text.Length == 1 || !TryPort(text[..separator], 0, out ushort first) || !TryPort(text[(separator + 1)..], ushort.MaxValue, out ushort last) || first > last)
            return false;
        range = new(first, last);
        return true;
    }

    private static bool TryPort(ReadOnlySpan<char> text, ushort whenEmpty, out ushort port)
    {
        port = whenEmpty;
        return text.IsEmpty || ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
    }

    /// <summary>The ports as iptables writes them: <c>80</c>, <c>80:90</c>.</summary>
    public override string ToString() =>
        First == Last ? First.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{First}:{Last}");
}
