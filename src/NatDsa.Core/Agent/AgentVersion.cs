using System.Globalization;

namespace NatDsa.Agent;

/// <summary>The agent's version, as packages and <c>dsa_query</c> write it.</summary>
internal static class AgentVersion
{
    /// <summary>The first version that leaves iptables alone. Source: "Using Deep Security with iptables", edition 10.3.</summary>
    public static readonly Version FirstThatDoesNotErase = new(10, 2);

    /// <summary>
    /// Reads <c>9.5.3-2754.el6</c> (rpm: version, release), <c>20.0.0.5137</c> (dpkg, with or without an epoch),
    /// <c>20.0.0-5137</c> (<c>dsa_query</c>) and <c>12.5</c>.
    /// </summary>
    /// <returns>Up to four numbers, such as 9.5.3.2754; null when the text is no version.</returns>
    public static Version? Read(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        int epoch = rest.IndexOf(':');
        if (epoch > 0 && !rest[..epoch].ContainsAnyExceptInRange('0', '9'))
            rest = rest[(epoch + 1)..];

        Span<int> numbers = [0, 0, 0, 0];
        int count = 0;
        while (count < numbers.Length)
        {
            int digits = rest.IndexOfAnyExceptInRange('0', '9');
            if (digits < 0)
                digits = rest.Length;
            if (!int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[count]))
                break;
            count++;
            rest = rest[digits..];
            if (rest.IsEmpty || rest[0] is not ('.' or '-'))
                break;
            rest = rest[1..];
        }

        return count switch
        {
            < 2 => null,
            2 => new Version(numbers[0], numbers[1]),
            3 => new Version(numbers[0], numbers[1], numbers[2]),
            _ => new Version(numbers[0], numbers[1], numbers[2], numbers[3]),
        };
    }
}
