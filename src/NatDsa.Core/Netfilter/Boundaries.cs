using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NatDsa.Netfilter;

/// <summary>
/// What decides where words end, for a block of 64 characters at once: the bits of three numbers, the first character's the lowest.
/// </summary>
internal readonly struct Boundaries
{
    /// <summary>How many characters a block has.</summary>
    public const int BlockLength = 64;

    /// <summary>Blanks.</summary>
    public readonly ulong Blanks;

    /// <summary>Double quotes.</summary>
    public readonly ulong Quotes;

    /// <summary>Control characters, line feeds among them, and backslashes.</summary>
    public readonly ulong Others;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Boundaries(ref ushort block)
    {
        Vector512<ushort> first = Vector512.LoadUnsafe(ref block);
        Vector512<ushort> second = Vector512.LoadUnsafe(ref block, BlockLength / 2);
        Vector512<ushort> blank = Vector512.Create((ushort)' '), quote = Vector512.Create((ushort)'"'), backslash = Vector512.Create((ushort)'\\');
        Blanks = Bits(Vector512.Equals(first, blank), Vector512.Equals(second, blank));
        Quotes = Bits(Vector512.Equals(first, quote), Vector512.Equals(second, quote));
        Others = Bits(
            Vector512.LessThan(first, blank) | Vector512.Equals(first, backslash), Vector512.LessThan(second, blank) | Vector512.Equals(second, backslash));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(Vector512<ushort> first, Vector512<ushort> second) =>
        first.ExtractMostSignificantBits() | second.ExtractMostSignificantBits() << (BlockLength / 2);
}
