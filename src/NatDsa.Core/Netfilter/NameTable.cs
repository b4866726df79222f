using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatDsa.Netfilter;

/// <summary>
/// Numbers for names, by their characters, so that a name that comes a thousand times in a text is one string and one number. The hash is
/// seeded for each process: nobody who writes a text can choose names that collide.
/// </summary>
internal sealed class NameTable
{
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64() | 1;

    private string[] _names = [];
    private uint[] _hashes = [];
    private int[] _slots = new int[64];

    /// <summary>How many names there are; they have the numbers from 0.</summary>
    public int Count { get; private set; }

    /// <summary>The name of a number.</summary>
    public string this[int number] => _names[number];

    /// <summary>The number of a name; a new one the first time.</summary>
    public int NumberOf(ReadOnlySpan<char> name)
    {
        uint hash = Hash(name);
        int number = Find(name, hash);
        return number >= 0 ? number : Add(name.ToString(), hash);
    }

    /// <summary>The one string for a name.</summary>
    public string Intern(ReadOnlySpan<char> name)
    {
        int number = NumberOf(name);
        return _names[number];
    }

    /// <summary>The number of a name; -1 when it has none. Safe from many threads once no name is added any more.</summary>
    public int Find(ReadOnlySpan<char> name) => Find(name, Hash(name));

    private int Find(ReadOnlySpan<char> name, uint hash)
    {
        int[] slots = _slots;
        for (uint slot = hash; ; slot++)
        {
            int number = slots[slot & (slots.Length - 1)] - 1;
            if (number < 0 || _hashes[number] == hash && name.SequenceEqual(_names[number]))
                return number;
        }
    }

    private int Add(string name, uint hash)
    {
        if (Count == _names.Length)
        {
            Array.Resize(ref _names, Math.Max(32, Count * 2));
            Array.Resize(ref _hashes, _names.Length);
        }

        if (Count * 2 >= _slots.Length)
        {
            _slots = new int[_slots.Length * 2];
            for (int i = 0; i < Count; i++)
                Place(_hashes[i], i);
        }

        _names[Count] = name;
        _hashes[Count] = hash;
        Place(hash, Count);
        return Count++;
    }

    private void Place(uint hash, int number)
    {
        uint slot = hash;
        while (_slots[slot & (_slots.Length - 1)] != 0)
            slot++;
        _slots[slot & (_slots.Length - 1)] = number + 1;
    }

    private static uint Hash(ReadOnlySpan<char> name)
    {
        ref byte bytes = ref Unsafe.As<char, byte>(ref MemoryMarshal.GetReference(name));
        int length = name.Length * sizeof(char);
        ulong hash = s_seed ^ (uint)length;
        int i = 0;
        for (; i + 8 <= length; i += 8)
            hash = Mix(hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, i)));
        if (length >= 8)
        {
            hash = Mix(hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, length - 8)));
        }
        else
        {
            for (; i < length; i += 2)
                hash = Mix(hash ^ Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref bytes, i)));
        }

        return (uint)(hash ^ (hash >> 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, s_seed ^ 0x9E37_79B9_7F4A_7C15, out ulong low);
        return high ^ BitOperations.RotateLeft(low, 23);
    }
}
