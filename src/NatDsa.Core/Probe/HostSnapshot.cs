using System.Globalization;

namespace NatDsa.Probe;

/// <summary>What a host answered to one probe: the host itself, and the sections that the other readers take apart.</summary>
internal sealed class HostSnapshot
{
    private HostSnapshot(FramedAnswer answer, string? computerName, object? origin)
    {
        Answer = answer;
        ComputerName = computerName;
        Origin = origin;
        Section? host = answer["host"];
        Kernel = host?.Fact("kernel");
        UserId = Number(host?.Fact("uid"));
        Clock = Time(host?.Fact("now"));
        Forwarding = Switch(host?.Fact("forwarding.ipv4"));
    }

    /// <summary>The host's name as the caller gave it.</summary>
    public string? ComputerName { get; }

    /// <summary>How the host was reached.</summary>
    public object? Origin { get; }

    /// <summary>The sections.</summary>
    public FramedAnswer Answer { get; }

    /// <summary>What <c>uname -s</c> says.</summary>
    public string? Kernel { get; }

    /// <summary>The numeric user that the probe ran as; 0 is root.</summary>
    public long? UserId { get; }

    /// <summary>The host's clock.</summary>
    public DateTimeOffset? Clock { get; }

    /// <summary>Whether the kernel forwards IPv4 (<c>/proc/sys/net/ipv4/ip_forward</c>); null when that could not be read.</summary>
    public bool? Forwarding { get; }

    /// <summary>Whether the host is Linux.</summary>
    public bool IsLinux => Kernel == "Linux";

    /// <summary>Whether the probe ran as root.</summary>
    public bool IsRoot => UserId == 0;

    /// <summary>Reads an answer.</summary>
    /// <param name="output">What the shell wrote to standard output.</param>
    /// <param name="script">The script that was run.</param>
    /// <param name="computerName">The host's name as the caller gave it.</param>
    /// <param name="origin">How it was reached.</param>
    public static HostSnapshot Read(ReadOnlyMemory<byte> output, HostScript script, string? computerName, object? origin) =>
        new(FramedAnswer.Read(output, script.Values["NONCE"]), computerName, origin);

    internal static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    internal static DateTimeOffset? Time(string? epochSeconds) =>
        Number(epochSeconds) is { } seconds && seconds <= 253402300799 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    private static bool? Switch(string? value) => value switch
    {
        "0" => false,
        null or "" => null,
        _ => true,
    };
}
