using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace NatDsa.Netfilter;

/// <summary>
/// Where in a text words can end: at blanks, control characters and double quotes, and at the text's end. They are found for a block of 64
/// characters at once, as the bits of a number, the first character's the lowest.
/// </summary>
internal struct Boundaries(string text)
{
    /// <summary>How many characters a block has. Blocks begin at multiples of that.</summary>
    public const int BlockLength = 64;

    private int _block = -1;
    private ulong _bits;

    /// <summary>The boundaries of the block that holds a place, from that place on. The last block stays at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong From(int position)
    {
        if (_block != position / BlockLength)
            (_block, _bits) = (position / BlockLength, BoundariesOf(position & -BlockLength));
        return _bits & (ulong.MaxValue << position);
    }

    private readonly ulong BoundariesOf(int start)
    {
        if (text.Length - start >= BlockLength)
        {
            ref ushort first = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference<char>(text));
            return BoundariesOf32(ref first, (nuint)start) | (ulong)BoundariesOf32(ref first, (nuint)start + 32) << 32;
        }

        ulong bits = ulong.MaxValue << (text.Length - start);
        for (int i = start; i < text.Length; i++)
        {
            if (text[i] is <= ' ' or '"')
                bits |= 1ul << i;
        }

        return bits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint BoundariesOf32(ref ushort first, nuint start) =>
        Vector256.Narrow(BoundariesOf16(ref first, start), BoundariesOf16(ref first, start + 16)).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> BoundariesOf16(ref ushort first, nuint start)
    {
        Vector256<ushort> letters = Vector256.LoadUnsafe(ref first, start);
        return Vector256.Equals(Vector256.Min(letters, Vector256.Create((ushort)' ')), letters) | Vector256.Equals(letters, Vector256.Create((ushort)'"'));
    }
}
