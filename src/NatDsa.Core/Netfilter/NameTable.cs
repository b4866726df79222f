using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatDsa.Netfilter;

/// <summary>
/// Objects found by the characters of their names, so that what is named a thousand times in a text is made once. The hash is
/// seeded for each process: nobody who writes a text can choose names that collide.
/// </summary>
/// <param name="make">Makes the object of a name, the first time that it is asked for.</param>
internal sealed class NameTable<T>(Func<string, T> make)
    where T : class
{
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64() | 1;

    private string[] _names = [];
    private T[] _values = [];
    private uint[] _hashes = [];
    private int[] _slots = new int[64];
    private int _count;

    /// <summary>The one object of this name.</summary>
    public T Intern(ReadOnlySpan<char> name)
    {
        uint hash = Hash(name);
        int[] slots = _slots;
        for (uint slot = hash; ; slot++)
        {
            int index = slots[slot & (slots.Length - 1)] - 1;
            if (index < 0)
                return Add(name.ToString(), hash);
            if (_hashes[index] == hash && name.SequenceEqual(_names[index]))
                return _values[index];
        }
    }

    /// <summary>The object of this name; null when it was never made. Safe from many threads once nothing is made any more.</summary>
    public T? Find(ReadOnlySpan<char> name)
    {
        uint hash = Hash(name);
        for (uint slot = hash; ; slot++)
        {
            int index = _slots[slot & (_slots.Length - 1)] - 1;
            if (index < 0)
                return null;
            if (_hashes[index] == hash && name.SequenceEqual(_names[index]))
                return _values[index];
        }
    }

    private T Add(string name, uint hash)
    {
        if (_count == _names.Length)
        {
            Array.Resize(ref _names, Math.Max(32, _count * 2));
            Array.Resize(ref _values, _names.Length);
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
        return _values[_count++] = make(name);
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
