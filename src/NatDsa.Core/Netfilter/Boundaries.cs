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
    private ulong _blanks;
    private ulong _others;

    /// <summary>The boundaries of the block that holds a place, from that place on. The last block stays at hand.</summary>
    /// <param name="position">The place.</param>
    /// <param name="others">Those that are no blanks.</param>
    /// <returns>Blanks.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong From(int position, out ulong others)
    {
        if (_block != position / BlockLength)
            Find(position / BlockLength);
        others = _others & (ulong.MaxValue << position);
        return _blanks & (ulong.MaxValue << position);
    }

    private void Find(int block)
    {
        _block = block;
        int start = block * BlockLength;
        if (text.Length - start >= BlockLength)
        {
            ref ushort first = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference<char>(text));
            (_blanks, _others) = (0, 0);
            for (int i = 0; i < BlockLength; i += Vector512<ushort>.Count)
            {
                Vector512<ushort> letters = Vector512.LoadUnsafe(ref first, (nuint)(start + i));
                _blanks |= Vector512.Equals(letters, Vector512.Create((ushort)' ')).ExtractMostSignificantBits() << i;
                _others |= (Vector512.LessThan(letters, Vector512.Create((ushort)' ')) | Vector512.Equals(letters, Vector512.Create((ushort)'"'))).ExtractMostSignificantBits() << i;
            }

            return;
        }

        (_blanks, _others) = (0, ulong.MaxValue << (text.Length - start));
        for (int i = start; i < text.Length; i++)
        {
            if (text[i] == ' ')
                _blanks |= 1ul << i;
            else if (text[i] is < ' ' or '"')
                _others |= 1ul << i;
        }
    }
}
