using System.Text;
using System.Text.Json;

namespace NatDsa.Netfilter;

/// <summary>Names in JSON, as numbers.</summary>
internal static class NftNames
{
    // nft's own limit is 128 bytes, and 16 for an interface.
    private const int UsualLength = 128;

    /// <summary>The number from 1 of the name that the reader is at; 0 when that is no string, or none that holds text.</summary>
    public static int NumberOf(ref Utf8JsonReader reader, NameTable names)
    {
        if (reader.TokenType != JsonTokenType.String)
            return 0;
        if (!reader.ValueIsEscaped && reader.ValueSpan.Length <= UsualLength)
        {
            Span<char> characters = stackalloc char[UsualLength];
            return names.NumberOf(characters[..Encoding.UTF8.GetChars(reader.ValueSpan, characters)]) + 1;
        }

        try
        {
            return names.NumberOf(reader.GetString()) + 1;
        }
        catch (InvalidOperationException)
        {
            // An escape can hold half of a surrogate pair.
            return 0;
        }
    }
}
