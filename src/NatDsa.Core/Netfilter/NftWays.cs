using System.Text.Json;

namespace NatDsa.Netfilter;

/// <summary>The chains that a verdict map of nft's leads to, by the numbers of their names from 1.</summary>
internal sealed class NftWays
{
    /// <summary>The chains that the text names.</summary>
    public List<(int Name, bool IsGoto)> Chains { get; } = [];

    /// <summary>The map that holds them instead; 0: none.</summary>
    public int Map { get; private set; }

    /// <summary>The chains themselves, once somebody has looked for them.</summary>
    public List<Branch>? Branches { get; set; }

    /// <summary>Reads a map, or a list of its elements, that begins where the reader is, whatever the keys are made of.</summary>
    public void Read(ref Utf8JsonReader reader, NameTable names)
    {
        if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
            return;
        int depth = reader.CurrentDepth;
        bool isVerdict = false, isGoto = false;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            ReadOnlySpan<byte> property = reader.ValueSpan;
            if (property.SequenceEqual("jump"u8) || property.SequenceEqual("goto"u8))
            {
                (isVerdict, isGoto) = (true, property[0] == (byte)'g');
            }
            else if (isVerdict && property.SequenceEqual("target"u8) && reader.Read())
            {
                if (NftNames.NumberOf(ref reader, names) is int chain and > 0)
                    Chains.Add((chain, isGoto));
                isVerdict = false;
            }
            else if (property.SequenceEqual("data"u8) && reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueSpan is [(byte)'@', ..])
            {
                if (NftNames.NumberOf(ref reader, names) is int named and > 0)
                    Map = names.NumberOf(names[named - 1].AsSpan(1)) + 1;
            }
        }
    }
}
