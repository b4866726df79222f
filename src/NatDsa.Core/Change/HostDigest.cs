using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using NatDsa.Probe;

namespace NatDsa.Change;

/// <summary>
/// A number for what a plan is made from: the running rules without their counters, the markers, the persisted rules. The host works it out again
/// once nobody else can change it (<c>digest</c> in transaction.sh): where it is another one, the plan is for a host that is no more.
/// </summary>
/// <remarks>The number is that of POSIX' cksum: a CRC over the bytes and their count, and the count. A host without that program is not changed.</remarks>
internal static partial class HostDigest
{
    private const string RulesPrefix = "save.";
    private const string FilePrefix = "file.";

    // PERSISTED in read.sh, which reads other files, too.
    private static readonly string[] s_persisted = ["/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables", "/etc/iptables/rules.v4", "/etc/iptables/rules.v6"];
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(i => Remainder((uint)i << 24))];

    /// <summary>The number, as cksum prints it.</summary>
    /// <param name="answer">What was read of a host.</param>
    public static string Of(FramedAnswer answer)
    {
        using var text = new MemoryStream();
        Section[] rules = [.. answer.Sections.Values.Where(s => s.ExitCode == 0 && s.Name.StartsWith(RulesPrefix, StringComparison.Ordinal)).OrderBy(s => s.Name, StringComparer.Ordinal)];
        foreach (Section tool in rules)
            text.Write(Encoding.Latin1.GetBytes(tool.Name[RulesPrefix.Length..] + "\n"));
        foreach (string line in rules.SelectMany(LinesOf).Where(line => !line.StartsWith('#')))
            text.Write(Encoding.Latin1.GetBytes(Counters().Replace(line, "", 1) + "\n"));
        text.Write((answer["marker"]?.Output ?? default).Span);
        Section[] files = [.. s_persisted.Select(file => answer[FilePrefix + file]).OfType<Section>()];
        foreach (Section file in files)
            text.Write(Encoding.Latin1.GetBytes(file.Name[FilePrefix.Length..] + "\n"));
        foreach (Section file in files)
            text.Write(file.Output.Span);
        return Cksum(text.GetBuffer().AsSpan(0, (int)text.Length));
    }

    // A shell has taken line ends off the end.
    private static string[] LinesOf(Section tool) => Encoding.Latin1.GetString(tool.Output.Span).TrimEnd('\n') is { Length: > 0 } text ? text.Split('\n') : [];

    private static string Cksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        foreach (byte one in bytes)
            sum = Next(sum, one);
        for (int count = bytes.Length; count > 0; count >>= 8)
            sum = Next(sum, (byte)count);
        return string.Create(CultureInfo.InvariantCulture, $"{~sum} {bytes.Length}");
    }

    private static uint Next(uint sum, byte one) => (sum << 8) ^ s_table[(sum >> 24) ^ one];

    private static uint Remainder(uint sum)
    {
        for (int bit = 0; bit < 8; bit++)
            sum = (sum << 1) ^ ((sum >> 31) * 0x04C11DB7);
        return sum;
    }

    [GeneratedRegex(@"\[[0-9]*:[0-9]*\]", RegexOptions.CultureInvariant)]
    private static partial Regex Counters();
}
