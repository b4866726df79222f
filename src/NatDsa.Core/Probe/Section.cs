using System.Text;

namespace NatDsa.Probe;

/// <summary>One command's part of a host's answer.</summary>
/// <param name="Name">What was asked, such as <c>save.iptables-nft</c>.</param>
/// <param name="Output">Standard output, as it came: any bytes.</param>
/// <param name="Error">Standard error, at most 4,000 bytes of it, without control characters.</param>
/// <param name="ExitCode">The command's exit code.</param>
internal sealed record Section(string Name, ReadOnlyMemory<byte> Output, string Error, int ExitCode)
{
    /// <summary>143 is the code of a command that SIGTERM ended, 137 of one that only SIGKILL could end, 124 <c>timeout</c>'s own.</summary>
    public bool TimedOut => ExitCode is 124 or 137 or 143;

    /// <summary>The output as UTF-8 text; bytes that are no UTF-8 become U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Output.Span);

    /// <summary>The output's <c>key=value</c> lines, in order; other lines are passed over.</summary>
    public IEnumerable<(string Key, string Value)> Facts()
    {
        foreach (string line in Text.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                yield return (line[..equals], Untrusted.OneLine(line[(equals + 1)..]));
        }
    }

    /// <summary>The value of the first fact of that name, or null.</summary>
    public string? Fact(string key)
    {
        foreach ((string name, string value) in Facts())
        {
            if (name == key)
                return value;
        }

        return null;
    }
}
