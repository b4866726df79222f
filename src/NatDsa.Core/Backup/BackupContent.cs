using System.Text.Json;

namespace NatDsa;

/// <summary>What of a backup's file counts when it is asked whether anything has changed: rules do, counters and comment lines do not.</summary>
internal static class BackupContent
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 128 };

    // What nft counts, and what it numbers anew each time.
    private static readonly string[] s_passing = ["packets", "bytes", "handle", "index", "expires", "metainfo"];

    /// <summary>The content, without what passes.</summary>
    public static byte[] Of(NatBackupFile file)
    {
        if (file.Name == "nft.json")
            return OfNft(file.Content);
        bool isRules = file.Kind == NatBackupFileKind.Running || file.Source is "/etc/sysconfig/iptables" or "/etc/sysconfig/ip6tables" || file.Source.StartsWith("/etc/iptables/", StringComparison.Ordinal);
        return isRules ? OfRules(file.Content.Span) : file.Content.ToArray();
    }

    /// <summary>The rules of iptables-save, without what passes.</summary>
    public static byte[] OfRules(ReadOnlySpan<byte> text)
    {
        var kept = new MemoryStream(text.Length);
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = (end < 0 ? text : text[..end]).Trim(" \t\r"u8);
            text = end < 0 ? default : text[(end + 1)..];
            if (line.IsEmpty || line[0] == '#')
                continue;
            // [packets:bytes] -A CHAIN, and :CHAIN POLICY [packets:bytes]
            if (line[0] == '[' && line.IndexOf((byte)']') is int counters and > 0)
                line = line[(counters + 1)..].TrimStart(" "u8);
            else if (line[0] == ':' && line.LastIndexOf(" ["u8) is int tail and > 0)
                line = line[..tail];
            kept.Write(line);
            kept.WriteByte((byte)'\n');
        }

        return kept.ToArray();
    }

    private static byte[] OfNft(ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_options);
            var kept = new MemoryStream(text.Length);
            using (var writer = new Utf8JsonWriter(kept, new JsonWriterOptions { MaxDepth = 256 }))
                Write(document.RootElement, writer);
            return kept.ToArray();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What cannot be read counts as it is.
            return text.ToArray();
        }
    }

    private static void Write(JsonElement element, Utf8JsonWriter writer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    if (Array.IndexOf(s_passing, property.Name) >= 0)
                        continue;
                    writer.WritePropertyName(property.Name);
                    Write(property.Value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in element.EnumerateArray())
                    Write(item, writer);
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
