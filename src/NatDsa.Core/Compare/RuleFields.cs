using System.Globalization;
using System.Net;
using System.Text;
using NatDsa.Netfilter;

namespace NatDsa;

/// <summary>
/// What a rule says, field by field, in a form that is the same for every way to write it: blanks, quotes, the order of options, <c>--jump</c> for
/// <c>-j</c>, and what the kernel adds (<c>-m tcp</c>) or puts in an order of its own make no difference. Counters are left out.
/// </summary>
internal sealed class RuleFields
{
    // Properties of the rule.
    private static readonly string[] s_names =
        [nameof(Rule.Protocol), nameof(Rule.In), nameof(Rule.Out), nameof(Rule.Source), nameof(Rule.Destination), nameof(Rule.Fragment), nameof(Rule.Matches), nameof(Rule.Target), nameof(Rule.TargetOptions)];

    // What is a condition, and not what is done to a packet that meets them.
    private const int Conditions = 7;

    // Options that a protocol brings along; elsewhere they are written behind a -m of their own.
    private static readonly string[] s_protocolOptions =
        ["--dport", "--sport", "--destination-port", "--source-port", "--tcp-flags", "--syn", "--tcp-option", "--icmp-type", "--icmpv6-type"];

    private readonly string[] _values;
    private readonly bool _isCommand;

    private RuleFields(string[] values, bool isCommand) => (_values, _isCommand) = (values, isCommand);

    /// <summary>All fields as one text, for a look-up.</summary>
    public string Key => string.Join('\n', _values);

    /// <summary>Reads a rule.</summary>
    public static RuleFields Of(Rule rule)
    {
        bool isCommand = rule.DeclaringChain.Table.Ruleset.Format is RulesetFormat.IptablesSave or RulesetFormat.ListRules;
        return new RuleFields(
        [
            rule.Protocol == "all" ? "" : rule.Protocol,
            Interface(rule.InInterface),
            Interface(rule.OutInterface),
            Address(rule.SourceAddress),
            Address(rule.DestinationAddress),
            rule.Fragment == FragmentMatch.Any ? "" : rule.Fragment.ToString(),
            // Words that were not understood are in no column: then the whole line counts.
            isCommand ? rule.Has(RuleTraits.HasHiddenConditions) ? Specification(rule) : Matches(rule) : rule.Options,
            rule.IsGoto ? "goto " + rule.Target : rule.Target ?? "",
            isCommand ? TargetOptions(rule) : "",
        ], isCommand);
    }

    /// <summary>The names of the fields that are others in the other rule.</summary>
    public IReadOnlyList<string> DifferencesTo(RuleFields other) =>
    [
        .. from i in Enumerable.Range(0, _values.Length)
           where _values[i] != other._values[i]
           select i == Conditions - 1 && !_isCommand ? nameof(Rule.Options) : s_names[i],
    ];

    /// <summary>
    /// How many fields that one of them states are the same, less those that are not: 0 and more is the same rule, changed. Rules with the same
    /// conditions are, too, whatever they do to packets.
    /// </summary>
    public int LikenessTo(RuleFields other)
    {
        int same = 0, others = 0;
        bool sameConditions = true;
        for (int i = 0; i < _values.Length; i++)
        {
            if (_values[i] != other._values[i])
            {
                others++;
                sameConditions &= i >= Conditions;
            }
            else if (_values[i].Length > 0)
            {
                same++;
            }
        }

        return sameConditions ? Math.Max(0, same - others) : same - others;
    }

    /// <summary>A rule without its counters and its chain, as short as it can be said: <c>-s 10.0.0.0/16 -j MASQUERADE</c>.</summary>
    public static string Specification(Rule rule)
    {
        string text = rule.Text.Trim();
        switch (rule.DeclaringChain.Table.Ruleset.Format)
        {
            case RulesetFormat.NftJson:
                return InWords(rule);
            case not (RulesetFormat.IptablesSave or RulesetFormat.ListRules):
                return InOptions(rule);
        }

        int start = 0;
        if (text[0] == '[' && text.IndexOf(']', StringComparison.Ordinal) is int counters and > 0)
            start = counters + 1;
        // -A CHAIN
        for (int word = 0; word < 2; word++)
        {
            while (start < text.Length && text[start] == ' ')
                start++;
            start = text.IndexOf(' ', start) is int end and > 0 ? end : text.Length;
        }

        return text[start..].TrimStart();
    }

    private static string InWords(Rule rule)
    {
        (string Name, string? Value)[] columns =
            [("iifname", rule.In), ("oifname", rule.Out), ("saddr", rule.Source), ("daddr", rule.Destination),
             ("protocol", rule.Protocol == "all" ? null : rule.Protocol)];
        IEnumerable<string?> words = columns.Where(column => column.Value is not null).Select(column => $"{column.Name} {column.Value}");
        return string.Join(' ', words.Append(rule.Options).Append(rule.IsGoto ? "goto " + rule.Target : rule.Target).Where(word => !string.IsNullOrEmpty(word)));
    }

    // A line of -L, as a command would have its columns.
    private static string InOptions(Rule rule)
    {
        (string Option, string? Value)[] columns =
        [
            ("-s", rule.SourceAddress is { IsAny: true } ? null : rule.Source),
            ("-d", rule.DestinationAddress is { IsAny: true } ? null : rule.Destination),
            ("-i", rule.In),
            ("-o", rule.Out),
            ("-p", rule.Protocol is "all" ? null : rule.Protocol),
        ];
        IEnumerable<string> words = columns.Where(column => column.Value is not null)
            .Select(column => column.Value is ['!', .. var negated]
                ? $"! {column.Option} {negated}"
                : $"{column.Option} {column.Value}");
        if (rule.Fragment != FragmentMatch.Any)
            words = words.Append(rule.Fragment == FragmentMatch.Head ? "! -f" : "-f");
        if (rule.Target is not null)
            words = words.Append($"{(rule.IsGoto ? "-g" : "-j")} {rule.Target}");
        return string.Join(' ', rule.Options.Length == 0 ? words : words.Append(rule.Options));
    }

    private static string Interface(InterfacePattern? pattern) => pattern is null || pattern is { IsAny: true, IsNegated: false } ? "" : pattern.ToString();

    // The kernel keeps no host bits.
    private static string Address(AddressPrefix? prefix)
    {
        if (prefix is null || prefix.IsAny)
            return "";
        if (prefix is not { Address: { } address, Mask: { } mask })
            return prefix.ToString();
        byte[] bits = address.GetAddressBytes(), kept = mask.GetAddressBytes();
        bool hasHostBits = false;
        for (int i = 0; i < bits.Length; i++)
        {
            hasHostBits |= (bits[i] & ~kept[i]) != 0;
            bits[i] &= kept[i];
        }

        return hasHostBits
            ? $"{(prefix.IsNegated ? "!" : "")}{new IPAddress(bits)}/{prefix.PrefixLength?.ToString(CultureInfo.InvariantCulture) ?? mask.ToString()}"
            : prefix.ToString();
    }

    private static string Matches(Rule rule)
    {
        var text = new StringBuilder();
        foreach (RuleMatch match in rule.Matches)
        {
            // The kernel adds the protocol's own match to its options, wherever they stand; without an option it is no condition.
            string name = match.Name;
            if (name != rule.ProtocolName)
                text.Append(" -m ").Append(name);
            bool isBegun = name != rule.ProtocolName;
            foreach (RuleOption option in match.Options)
            {
                string owner = Array.IndexOf(s_protocolOptions, option.Name) >= 0 && rule.Protocol != "all" ? rule.ProtocolName : match.Name;
                if (!isBegun || owner != name)
                    text.Append(" -m ").Append(owner);
                (name, isBegun) = (owner, true);
                Append(text, option);
            }
        }

        return text.ToString();
    }

    private static string TargetOptions(Rule rule)
    {
        var text = new StringBuilder();
        foreach (RuleOption option in rule.TargetOptions)
        {
            // What the kernel takes when nothing is said, and says then.
            if (rule.Target != "REJECT" || option.Name != "--reject-with" || option.Value is not ("icmp-port-unreachable" or "icmp6-port-unreachable"))
                Append(text, option);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, RuleOption option)
    {
        text.Append(option.IsNegated ? " ! " : " ");
        switch (option.Name)
        {
            case "--syn":
                text.Append("--tcp-flags ").Append(RuleText.Quote("FIN,SYN,RST,ACK")).Append(" SYN");
                break;
            case "--state" or "--ctstate" when option.Value is { } states:
                // A set, which the kernel lists in an order of its own.
                text.Append(option.Name).Append(' ').AppendJoin(',', states.Split(',').Order(StringComparer.Ordinal));
                break;
            default:
                text.Append(option.Name switch { "--destination-port" => "--dport", "--source-port" => "--sport", var name => name });
                // Quoted, so that a value with a blank is not two.
                foreach (string value in option.Values)
                    text.Append(' ').Append(RuleText.Quote(value));
                break;
        }
    }
}
