using System.Text;
using System.Text.Json;

namespace NatDsa.Netfilter;

/// <summary>What an nft rule says beyond the model's columns, in nft's own notation, as nft(8) has it.</summary>
internal static class NftStatements
{
    // Expressions nest no deeper than the reader lets them.
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 128 };

    // What each operator of a binary expression binds looser than.
    private static readonly string[] s_operators = ["|", "^", "&", "<<", ">>"];

    /// <summary>The number by which nft knows the rule.</summary>
    public static ulong? HandleOf(Rule rule)
    {
        try
        {
            using JsonDocument document = DocumentOf(rule);
            return document.RootElement.TryGetProperty("handle", out JsonElement handle) && handle.ValueKind == JsonValueKind.Number && handle.TryGetUInt64(out ulong number)
                ? number
                : null;
        }
        catch (InvalidOperationException)
        {
            // A name can hold half of a surrogate pair as an escape, and is then no text; nft writes no such escapes.
            return null;
        }
    }

    /// <summary>The statements that no column shows, in order.</summary>
    public static IReadOnlyList<string> Of(Rule rule)
    {
        try
        {
            using JsonDocument document = DocumentOf(rule);
            return Of(rule, document);
        }
        catch (InvalidOperationException)
        {
            return [rule.Text];
        }
    }

    // By way of UTF-8, as the reader reads it: half of a surrogate pair in the text becomes a replacement character, and no error.
    private static JsonDocument DocumentOf(Rule rule) => JsonDocument.Parse(Encoding.UTF8.GetBytes(rule.Text), s_options);

    private static List<string> Of(Rule rule, JsonDocument document)
    {
        var statements = new List<string>();
        if (document.RootElement.TryGetProperty("expr", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
        {
            var shown = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonElement statement in list.EnumerateArray())
            {
                if (Write(rule, statement, shown) is { Length: > 0 } text)
                    statements.Add(text);
            }
        }

        if (document.RootElement.TryGetProperty("comment", out JsonElement comment))
            statements.Add("comment " + Quoted(comment));
        return statements;
    }

    private static string Write(Rule rule, JsonElement statement, HashSet<string> shown)
    {
        if (statement.ValueKind != JsonValueKind.Object)
            return statement.ToString();
        foreach (JsonProperty property in statement.EnumerateObject())
        {
            JsonElement value = property.Value;
            return property.Name switch
            {
                "match" => Match(rule, value, shown),
                "counter" => value.ValueKind == JsonValueKind.String ? "counter name " + value : "",
                "accept" or "drop" or "return" or "jump" or "goto" => "",
                "continue" or "notrack" or "last" => property.Name,
                "xt" => Xtables(rule, value),
                "masquerade" or "snat" or "dnat" or "redirect" => AddressTranslation(property.Name, value),
                "vmap" => $"{Part(value, "key")} vmap {Part(value, "data")}",
                "log" => Words("log", value),
                "reject" => value.ValueKind == JsonValueKind.Object ? Trimmed($"reject with {Part(value, "type")} {Part(value, "expr")}") : "",
                "limit" => Limit(value),
                "quota" => Quota(value),
                "ct count" => $"ct count {Over(value)}{Part(value, "val")}",
                "mangle" => $"{Part(value, "key")} set {Part(value, "value")}",
                "set" or "map" => $"{Part(value, "op")} {Part(value, property.Name)} {{ {Part(value, "elem")} }}",
                _ => Words(property.Name, value),
            };
        }

        return "";
    }

    private static string Match(Rule rule, JsonElement match, HashSet<string> shown)
    {
        if (match.ValueKind != JsonValueKind.Object || !match.TryGetProperty("left", out JsonElement left) || !match.TryGetProperty("right", out JsonElement right))
            return match.ToString();
        string field = Expression(left);
        string operation = Part(match, "op");
        if (IsShown(rule, field, operation, right) && shown.Add(field))
            return "";
        return operation is "==" or "in" or "" && !field.Contains('&') ? $"{field} {Expression(right)}" : $"{field} {operation} {Expression(right)}";
    }

    private static bool IsShown(Rule rule, string field, string operation, JsonElement right)
    {
        bool isSimple = operation is "==" or "!=" && (right.ValueKind is JsonValueKind.String or JsonValueKind.Number || right.ValueKind == JsonValueKind.Object && right.TryGetProperty("prefix", out _));
        // ip saddr & 255.0.255.0
        string name = field.Split(" & ")[0];
        return isSimple && name switch
        {
            "iifname" or "iif" => rule.InInterface is not null,
            "oifname" or "oif" => rule.OutInterface is not null,
            "ip saddr" or "ip6 saddr" => rule.SourceAddress is not null && right.ToString() is not ['@', ..],
            "ip daddr" or "ip6 daddr" => rule.DestinationAddress is not null && right.ToString() is not ['@', ..],
            "meta l4proto" or "ip protocol" or "ip6 nexthdr" => true,
            "ip frag-off" => rule.Fragment != FragmentMatch.Any,
            _ => false,
        };
    }

    private static string Xtables(Rule rule, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return "xt";
        string kind = Part(value, "type"), name = Part(value, "name");
        return kind == "target" && name == rule.Target ? "" : $"xt {kind} {name}";
    }

    private static string AddressTranslation(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return "";
        string address = Part(value, "addr"), port = Part(value, "port");
        if (address.Contains(':', StringComparison.Ordinal) && port.Length > 0)
            address = $"[{address}]";
        string to = address.Length + port.Length == 0 ? "" : $"to {address}{(port.Length > 0 ? ":" : "")}{port}";
        return Trimmed($"{name} {Part(value, "family")} {to} {Part(value, "flags")}");
    }

    private static string Limit(JsonElement value) =>
        Trimmed($"limit rate {Over(value)}{Part(value, "rate")} {Part(value, "rate_unit") switch { "" or "packets" => "", var unit => unit }}/{Part(value, "per")}").Replace(" /", "/", StringComparison.Ordinal)
        + (Part(value, "burst") is { Length: > 0 } burst ? $" burst {burst} {(Part(value, "burst_unit") is { Length: > 0 } unitOfBurst ? unitOfBurst : "packets")}" : "");

    private static string Quota(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? $"quota {Over(value)}{Part(value, "val")} {Part(value, "val_unit")}" : $"quota name {value}";

    private static string Over(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("inv", out JsonElement inverted) && inverted.ValueKind == JsonValueKind.True ? "over " : "";

    /// <summary>A statement whose options are words and values: <c>log prefix "x" group 3</c>.</summary>
    private static string Words(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return value.ValueKind == JsonValueKind.Null ? name : $"{name} {Expression(value)}";
        var words = new List<string> { name };
        foreach (JsonProperty option in value.EnumerateObject())
            words.Add($"{option.Name} {(option.Name.EndsWith("prefix", StringComparison.Ordinal) ? Quoted(option.Value) : Expression(option.Value))}");
        return string.Join(' ', words);
    }

    private static string Part(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out JsonElement part) ? Expression(part) : "";

    private static string Expression(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                return string.Join(',', value.EnumerateArray().Select(Expression));
            case JsonValueKind.Object:
                foreach (JsonProperty property in value.EnumerateObject())
                    return Expression(property.Name, property.Value);
                return "";
            case JsonValueKind.Null:
                return "";
            default:
                return Shown(value.ToString());
        }
    }

    private static string Expression(string name, JsonElement value)
    {
        switch (name)
        {
            case "meta":
                string key = value.ValueKind == JsonValueKind.Object ? Part(value, "key") : Expression(value);
                return key is "iifname" or "oifname" or "iif" or "oif" ? key : "meta " + key;
            case "payload":
                return value.ValueKind == JsonValueKind.Object && value.TryGetProperty("base", out _)
                    ? $"@{Part(value, "base")},{Part(value, "offset")},{Part(value, "len")}"
                    : Trimmed($"{Part(value, "protocol")}{Part(value, "name")} {Part(value, "field")}");
            case "ct":
                return Trimmed($"ct {Part(value, "dir")} {Part(value, "family")} {Part(value, "key")}");
            case "prefix":
                return $"{Part(value, "addr")}/{Part(value, "len")}";
            case "range" when value.ValueKind == JsonValueKind.Array:
                return string.Join('-', value.EnumerateArray().Select(Expression));
            case "concat" when value.ValueKind == JsonValueKind.Array:
                return string.Join(" . ", value.EnumerateArray().Select(Expression));
            case "set" when value.ValueKind == JsonValueKind.Array:
                return $"{{ {string.Join(", ", value.EnumerateArray().Select(Element))} }}";
            case "set":
                return Expression(value);
            case "map":
                return $"{Part(value, "key")} map {Part(value, "data")}";
            case "elem":
                return Part(value, "val");
            case "fib":
                return $"fib {Part(value, "flags").Replace(",", " . ", StringComparison.Ordinal)} {Part(value, "result")}";
            case "jump" or "goto":
                return $"{name} {Part(value, "target")}";
            case var operation when Array.IndexOf(s_operators, operation) >= 0 && value.ValueKind == JsonValueKind.Array:
                return string.Join($" {operation} ", value.EnumerateArray().Select(Expression));
            default:
                return Words(name, value);
        }
    }

    // In a map each element is a pair.
    private static string Element(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? string.Join(" : ", element.EnumerateArray().Select(Expression)) : Expression(element);

    private static string Quoted(JsonElement value) => $"\"{Shown(value.ToString())}\"";

    // A rule's text can hold anything in escapes.
    private static string Shown(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0 ? text : string.Create(
        text.Length, text, static (shown, from) =>
        {
            for (int i = 0; i < shown.Length; i++)
                shown[i] = char.IsControl(from[i]) ? ' ' : from[i];
        });

    private static string Trimmed(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
