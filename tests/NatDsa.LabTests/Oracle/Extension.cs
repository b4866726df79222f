using System.Globalization;
using System.Text.RegularExpressions;

namespace NatDsa.LabTests.Oracle;

/// <summary>A rule that uses an extension of iptables.</summary>
/// <param name="Extension">The extension: <c>xt_tcp</c>, <c>ipt_REJECT</c>, <c>ip6t_rt</c>.</param>
/// <param name="Table">The table that it can stand in.</param>
/// <param name="Chain">The built-in chain that it can stand in.</param>
/// <param name="Text">The rule behind the chain's name.</param>
public sealed record ExtensionRule(string Extension, string Table, string Chain, string Text);

/// <summary>The rules of <c>extensions.txt</c>, and the extensions that this machine's iptables has.</summary>
public static partial class Extension
{
    private static string Folder { get; } = Path.Combine(LabPaths.Root, "tests", "NatDsa.LabTests", "Oracle");

    /// <summary>The extensions that rules are known for.</summary>
    public static IEnumerable<string> Known => Lines().Where(line => line[0] == '@').Select(line => line[1..]);

    /// <summary>The extensions that are installed for IPv4 and IPv6, by their libraries' names.</summary>
    public static IEnumerable<string> Installed =>
        Directory.GetDirectories("/usr/lib").Append("/usr/lib")
            .Select(folder => Path.Combine(folder, "xtables")).Where(Directory.Exists).SelectMany(Directory.GetFiles)
            .Select(path => Library().Match(Path.GetFileName(path))).Where(match => match.Success).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal);

    /// <summary>The rules for a family, in the order of the file.</summary>
    public static IReadOnlyList<ExtensionRule> RulesFor(IpFamily family)
    {
        var rules = new List<ExtensionRule>();
        string extension = "";
        char digit = family == IpFamily.IPv4 ? '4' : '6';
        foreach (string line in Lines())
        {
            string[] words = line.Split(' ', 4);
            if (line[0] == '@')
                extension = line[1..];
            else if (words[0].Contains(digit))
                rules.Add(new ExtensionRule(extension, words[1], words[2], WithTarget(words.Length > 3 ? words[3] : "")));
        }

        return rules;
    }

    /// <summary>
    /// Every one of the rules with other conditions around it, one after another: addresses, interfaces, a comment, and counters of every size.
    /// </summary>
    /// <param name="rules">The rules; those of a table must stand together in what is made of them.</param>
    /// <param name="family">Whose addresses to use.</param>
    /// <returns>A ruleset for <c>iptables-restore -c</c>.</returns>
    public static string Ruleset(IReadOnlyList<ExtensionRule> rules, IpFamily family)
    {
        var text = new System.Text.StringBuilder();
        ulong number = 0;
        foreach (IGrouping<string, ExtensionRule> table in rules.GroupBy(rule => rule.Table))
        {
            text.Append(CultureInfo.InvariantCulture, $"*{table.Key}\n");
            foreach (string chain in table.Select(rule => rule.Chain).Distinct())
                text.Append(CultureInfo.InvariantCulture, $":{chain} {(chain == "FORWARD" ? "DROP" : "ACCEPT")} [{++number * 977}:{number * 1_234_567_891}]\n");
            text.Append(":USERS-CHAIN - [0:0]\n:a.b_c - [0:0]\n");
            foreach (ExtensionRule rule in table)
            {
                foreach (string head in Heads(rule, family, (int)number).Distinct())
                {
                    number++;
                    ulong packets = number % 7 == 0 ? 0 : number * number * number;
                    text.Append(string.Create(CultureInfo.InvariantCulture, $"[{packets}:{packets * 1500}] -A {rule.Chain} {head} {rule.Text}").TrimEnd()).Append('\n');
                }
            }

            text.Append("-A USERS-CHAIN -g a.b_c\n-A a.b_c -j RETURN\nCOMMIT\n");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Heads(ExtensionRule rule, IpFamily family, int number)
    {
        bool v4 = family == IpFamily.IPv4;
        string words = $" {rule.Text} ";
        string source = words.Contains(" -s ") ? "" : v4 ? $"-s 10.{number % 250}.{number / 250 % 250}.0/24" : $"-s 2001:db8:{number % 65000:x}::/48";
        string notFrom = source.Length == 0 ? "" : "! " + (v4 ? $"-s 172.16.{number % 250}.{number / 250 % 250}/32" : $"-s fd00::{number % 65000:x}/128");
        string destination = words.Contains(" -d ") ? "" : v4 ? $"-d 192.0.2.{number % 250}/255.255.0.255" : $"-d fe80::{number % 65000:x}:0/112";
        string notTo = destination.Length == 0 ? "" : "! " + (v4 ? $"-d 198.51.{number % 250}.0/25" : $"-d 2001:db8:{number % 65000:x}::1/128");
        bool comesIn = rule.Chain is "PREROUTING" or "INPUT" or "FORWARD" && !words.Contains(" -i ");
        bool goesOut = rule.Chain is "POSTROUTING" or "OUTPUT" or "FORWARD" && !words.Contains(" -o ");
        string from = (comesIn ? $"-i eth{number % 10}" : "") + (comesIn && goesOut ? " " : "") + (goesOut ? $"-o wan{number % 100}" : "");
        string notBy = (comesIn ? "! -i tun+" : "") + (comesIn && goesOut ? " " : "") + (goesOut ? "! -o veth0123456789a" : "");
        string comment = $"-m comment --comment \"rule {number}: a \\\"b\\\" [c] 'd' -j x\"";
        yield return "";
        yield return source;
        yield return notFrom;
        yield return destination;
        yield return notTo;
        yield return from;
        yield return notBy;
        yield return comment;
        yield return Joined(source, destination, from, comment);
        yield return Joined(notFrom, notTo, notBy);
        yield return Joined(source, notTo, notBy, $"-m comment --comment bare{number}");
        yield return Joined(destination, from, "-m mark --mark 0x1/0xff");

        static string Joined(params string[] parts) => string.Join(' ', parts.Where(part => part.Length > 0));
    }

    private static string WithTarget(string rule) =>
        $" {rule} ".Contains(" -j ", StringComparison.Ordinal) || $" {rule} ".Contains(" -g ", StringComparison.Ordinal) || !rule.Contains("-m ", StringComparison.Ordinal) && !rule.Contains("--", StringComparison.Ordinal)
            ? rule
            : rule + " -j ACCEPT";

    private static IEnumerable<string> Lines() =>
        File.ReadLines(Path.Combine(Folder, "extensions.txt")).Where(line => line.Length > 0 && line[0] != '#');

    [GeneratedRegex(@"^lib((?:xt|ipt|ip6t)_\w+)\.so$")]
    private static partial Regex Library();
}

/// <summary>Whose packets iptables or ip6tables filters.</summary>
public enum IpFamily
{
    /// <summary>iptables.</summary>
    IPv4,

    /// <summary>ip6tables.</summary>
    IPv6,
}
