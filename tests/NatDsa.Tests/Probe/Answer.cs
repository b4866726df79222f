using System.Globalization;
using System.Text;
using NatDsa.Probe;

namespace NatDsa.Tests.Probe;

/// <summary>A host's answer to a probe, put together section by section as frame.sh writes it.</summary>
internal sealed class Answer
{
    public const string Nonce = "0123456789abcdef0123456789abcdef";

    private readonly StringBuilder _text = new();

    /// <summary>A Linux host asked as root, with forwarding on.</summary>
    public static Answer OfLinux(int uid = 0, string forwarding = "1", bool ipv6 = true, string hostName = "nat01") =>
        new Answer().With("host", $"kernel=Linux\nuid={uid}\nhostname={hostName}\nnow=1700000000\nforwarding.ipv4={forwarding}\n{(ipv6 ? "forwarding.ipv6=0\n" : "")}");

    public Answer With(string section, string output, int exitCode = 0, string error = "")
    {
        _text.Append(CultureInfo.InvariantCulture, $"@{Nonce} out {section}\n{output}\n@{Nonce} err {section}\n{error}\n@{Nonce} end {section} {exitCode}\n");
        return this;
    }

    /// <summary>Both markers, with what follows <c>marker=</c> for the one that matters.</summary>
    public Answer WithMarker(string facts = "") =>
        With("marker", $"marker=/etc/use_dsa_with_iptables\n{facts}marker=/etc/do_not_open_ports_on_iptables\n");

    public string Text => _text.ToString() + $"@{Nonce} done\n";

    public string TextCutOff => _text.ToString();

    public HostSnapshot Snapshot(object? origin = null) => Read(Text, origin);

    public static HostSnapshot Read(string text, object? origin = null) =>
        HostSnapshot.Read(Encoding.UTF8.GetBytes(text), HostScripts.Probe(ProbeSections.All).With("NONCE", Nonce), "nat01", origin);
}
