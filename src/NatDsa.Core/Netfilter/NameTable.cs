using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatDsa.Netfilter;

/// <summary>
/// Strings found by their characters, so that a name that comes a thousand times in a text becomes one string. The hash is
/// seeded for each process: nobody who writes a text can choose names that collide.
/// </summary>
internal sealed class NameTable
{
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64() | 1;

    private string[] _names = [];
    private uint[] _hashes = [];
    private int[] _slots = new int[64];
    private int _count;

    /// <summary>The one string with these characters; made the first time that it is asked for.</summary>
    public string Intern(ReadOnlySpan<char> name)
    {
        int index = IndexOf(name);
        return _names[index];
    }

    /// <summary>The string with these characters; null when it was never interned. Safe from many threads once nobody interns.</summary>
    public string? Find(ReadOnlySpan<char> name)
    {
        uint hash = Hash(name);
        for (uint slot = hash; ; slot++)
        {
            int index = _slots[slot & (_slots.Length - 1)] - 1;
            if (index < 0)
                return null;
            if (_hashes[index] == hash && name.SequenceEqual(_names[index]))
                return _names[index];
        }
    }

    private int IndexOf(ReadOnlySpan<char> name)
    {
        uint hash = Hash(name);
        uint slot = hash;
        int[] slots = _slots;
        for (; ; slot++)
        {
            int index = slots[slot & (slots.Length - 1)] - 1;
            if (index < 0)
                break;
            if (_hashes[index] == hash && name.SequenceEqual(_names[index]))
                return index;
        }

        return Add(name.ToString(), hash);
    }

    private int Add(string name, uint hash)
    {
        if (_count == _names.Length)
        {
            Array.Resize(ref _names, Math.Max(32, _count * 2));
            Array.Resize(ref _hashes, _names.Length);
        }

        if (_count * 2 >= _slots.Length)
        {
            _slots = new int[_slots.Length * 2];
            for (int i = 0; i < _count; i++)
                Place(_hashes[i], i);
        }

        _names[_count] = name;
        _hashes[_count] = hash;
        Place(hash, _count);
        return _count++;
    }

    private void Place(uint hash, int index)
    {
        uint slot = hash;
        while (_slots[slot & (_slots.Length - 1)] != 0)
            slot++;
        _slots[slot & (_slots.Length - 1)] = index + 1;
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
