using System.Globalization;
using System.Text;

namespace NatDsa.Benchmarks;

/// <summary>What <c>nft -j list ruleset</c> prints of a gateway, in nft's own layout.</summary>
internal static class GeneratedNft
{
    /// <summary>A nat table and a filter table of native rules and of rules as iptables-nft stores them, the same on every run.</summary>
    public static string List(int rules)
    {
        var text = new StringBuilder("{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"release_name\": \"Lester Gooch #5\", \"json_schema_version\": 1}}");
        Table(text, "nat", ("POSTROUTING", "postrouting", 100), ("PREROUTING", "prerouting", -100));
        int nat = rules / 2;
        for (int i = 0; i < nat; i++)
        {
            string inside = $"10.{i / 250 % 250}.{i % 250}";
            Rule(text, "nat", i % 2 == 0 ? "POSTROUTING" : "PREROUTING", i + 10, (i % 4) switch
            {
                0 => $"{Out($"eth{i % 4}")}, {Source(inside)}, {Counter(i)}, {{\"masquerade\": null}}",
                1 => $"{In("eth0")}, {Port(2000 + i)}, {Counter(i)}, {{\"dnat\": {{\"addr\": \"{inside}.10\", \"port\": 80}}}}",
                2 => $"{Out("eth0")}, {Source(inside)}, {{\"xt\": {{\"type\": \"match\", \"name\": \"comment\"}}}}, {Counter(i)}, {{\"xt\": {{\"type\": \"target\", \"name\": \"SNAT\"}}}}",
                _ => $"{In("eth0")}, {{\"match\": {{\"op\": \"==\", \"left\": {{\"meta\": {{\"key\": \"l4proto\"}}}}, \"right\": \"udp\"}}}}, {{\"xt\": {{\"type\": \"match\", \"name\": \"multiport\"}}}}, {Counter(i)}, {{\"xt\": {{\"type\": \"target\", \"name\": \"DNAT\"}}}}",
            });
        }

        Table(text, "filter", ("INPUT", "input", 0), ("FORWARD", "forward", 0));
        for (int i = nat; i < rules; i++)
        {
            string inside = $"10.{i / 250 % 250}.{i % 250}";
            Rule(text, "filter", i % 2 == 0 ? "INPUT" : "FORWARD", i + 10, (i % 4) switch
            {
                0 => $"{{\"match\": {{\"op\": \"in\", \"left\": {{\"ct\": {{\"key\": \"state\"}}}}, \"right\": [\"established\", \"related\"]}}}}, {Counter(i)}, {{\"accept\": null}}",
                1 => $"{In("eth1")}, {Out("eth0")}, {Source(inside)}, {{\"match\": {{\"op\": \"==\", \"left\": {{\"payload\": {{\"protocol\": \"tcp\", \"field\": \"dport\"}}}}, \"right\": {{\"set\": [80, 443]}}}}}}, {Counter(i)}, {{\"accept\": null}}",
                2 => $"{Source(inside)}, {Port(22)}, {Counter(i)}, {{\"accept\": null}}",
                _ => $"{Source(inside)}, {{\"limit\": {{\"rate\": 5, \"burst\": 5, \"per\": \"minute\"}}}}, {Counter(i)}, {{\"log\": {{\"prefix\": \"dropped {i}: \", \"level\": \"debug\"}}}}, {{\"drop\": null}}",
            });
        }

        return text.Append("]}\n").ToString();
    }

    private static void Table(StringBuilder text, string name, params (string Name, string Hook, int Priority)[] chains)
    {
        text.Append(CultureInfo.InvariantCulture, $", {{\"table\": {{\"family\": \"ip\", \"name\": \"{name}\", \"handle\": 1}}}}");
        foreach ((string chain, string hook, int priority) in chains)
            text.Append(CultureInfo.InvariantCulture, $", {{\"chain\": {{\"family\": \"ip\", \"table\": \"{name}\", \"name\": \"{chain}\", \"handle\": 1, \"type\": \"{(name == "nat" ? "nat" : "filter")}\", \"hook\": \"{hook}\", \"prio\": {priority}, \"policy\": \"accept\"}}}}");
    }

    private static void Rule(StringBuilder text, string table, string chain, int handle, string statements) =>
        text.Append(CultureInfo.InvariantCulture, $", {{\"rule\": {{\"family\": \"ip\", \"table\": \"{table}\", \"chain\": \"{chain}\", \"handle\": {handle}, \"expr\": [{statements}]}}}}");

    private static string In(string name) => $"{{\"match\": {{\"op\": \"==\", \"left\": {{\"meta\": {{\"key\": \"iifname\"}}}}, \"right\": \"{name}\"}}}}";

    private static string Out(string name) => $"{{\"match\": {{\"op\": \"==\", \"left\": {{\"meta\": {{\"key\": \"oifname\"}}}}, \"right\": \"{name}\"}}}}";

    private static string Source(string network) =>
        $"{{\"match\": {{\"op\": \"==\", \"left\": {{\"payload\": {{\"protocol\": \"ip\", \"field\": \"saddr\"}}}}, \"right\": {{\"prefix\": {{\"addr\": \"{network}.0\", \"len\": 24}}}}}}}}";

    private static string Port(int port) => string.Create(
        CultureInfo.InvariantCulture, $"{{\"match\": {{\"op\": \"==\", \"left\": {{\"payload\": {{\"protocol\": \"tcp\", \"field\": \"dport\"}}}}, \"right\": {port % 65536}}}}}");

    private static string Counter(int number) => string.Create(CultureInfo.InvariantCulture, $"{{\"counter\": {{\"packets\": {number * 37L}, \"bytes\": {number * 41_234L}}}}}");
}
