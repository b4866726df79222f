using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatDsa.Netfilter;

/// <summary>
/// Numbers for names, by their characters, so that a name that comes a thousand times in a text is one string and one number. The hash is
/// seeded for each process: nobody who writes a text can choose names that collide.
/// </summary>
/// <param name="text">The text that most names are stretches of: such a name becomes a string when somebody asks for it.</param>
internal sealed class NameTable(string text = "")
{
    // Both secret: a factor that somebody could make zero would make everything collide.
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64();
    private static readonly ulong s_mask = (ulong)Random.Shared.NextInt64() << 1 | 1;

    private readonly Chunks<Entry> _entries = new(32);

    // Numbers from 1 by the highest bits of hashes, which all of a name takes part in.
    private int[] _slots = new int[64];
    private int _shift = 32 - 6;

    /// <summary>How many names there are; they have the numbers from 0.</summary>
    public int Count => _entries.Count;

    /// <summary>The name of a number.</summary>
    public string this[int number]
    {
        get
        {
            ref Entry entry = ref _entries[number];
            return entry.Name ??= text.Substring(entry.Start, entry.Key.Length);
        }
    }

    /// <summary>The number of a name; a new one the first time.</summary>
    public int NumberOf(ReadOnlySpan<char> name) => Find(name) is var number and >= 0 ? number : Add(name, new Key(name));

    /// <summary>The one string for a name.</summary>
    public string Intern(ReadOnlySpan<char> name) => this[NumberOf(name)];

    /// <summary>The number of a name; -1 when it has none. Safe from many threads once no name is added any more.</summary>
    public int Find(ReadOnlySpan<char> name) => name.Length <= Key.Characters ? FindShort(name) : FindLong(name);

    // The key of a short name is all of it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FindShort(ReadOnlySpan<char> name)
    {
        var key = new Key(name);
        int[] slots = _slots;
        for (int slot = (int)(key.Hash >> _shift); ; slot++)
        {
            int number = slots[slot & (slots.Length - 1)] - 1;
            if (number < 0 || _entries[number].Key.Equals(key))
                return number;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int FindLong(ReadOnlySpan<char> name)
    {
        var key = new Key(name);
        int[] slots = _slots;
        for (int slot = (int)(key.Hash >> _shift); ; slot++)
        {
            int number = slots[slot & (slots.Length - 1)] - 1;
            if (number < 0 || _entries[number].Key.Equals(key) && IsNameOf(_entries[number], name))
                return number;
        }
    }

    private bool IsNameOf(in Entry entry, ReadOnlySpan<char> name) => name.SequenceEqual(entry.Start < 0 ? entry.Name : text.AsSpan(entry.Start, name.Length));

    private int Add(ReadOnlySpan<char> name, in Key key)
    {
        int number = Count;
        if (number * 2 >= _slots.Length)
        {
            _slots = new int[_slots.Length * 2];
            _shift--;
            for (int i = 0; i < number; i++)
                Place(_entries[i].Key.Hash, i);
        }

        bool isStretch = text.AsSpan().Overlaps(name, out int start) && start >= 0 && start + name.Length <= text.Length;
        _entries.Add() = new Entry { Name = isStretch ? null : name.ToString(), Start = isStretch ? start : -1, Key = key };
        Place(key.Hash, number);
        return number;
    }

    private void Place(uint hash, int number)
    {
        int slot = (int)(hash >> _shift);
        while (_slots[slot & (_slots.Length - 1)] != 0)
            slot++;
        _slots[slot & (_slots.Length - 1)] = number + 1;
    }

    /// <summary>A name: a string once somebody has asked for it; and where it is in the text; a negative start: nowhere.</summary>
    private struct Entry
    {
        public string? Name;
        public int Start;
        public Key Key;
    }

    /// <summary>The length, the last sixteen bytes, and a hash over all.</summary>
    private readonly struct Key : IEquatable<Key>
    {
        /// <summary>How many characters a key holds: names of no more are the same when their keys are.</summary>
        public const int Characters = 8;

        public readonly uint Hash;
        public readonly int Length;
        private readonly ulong _first;
        private readonly ulong _second;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Key(ReadOnlySpan<char> name)
        {
            ref byte bytes = ref Unsafe.As<char, byte>(ref MemoryMarshal.GetReference(name));
            int length = name.Length * sizeof(char);
            Length = name.Length;
            ulong hash = s_seed ^ (uint)length;
            if (length >= 16)
            {
                for (int i = 0; i + 16 < length; i += 16)
                    hash = Mix(Eight(ref bytes, i) ^ s_mask, Eight(ref bytes, i + 8) ^ hash);
                _first = Eight(ref bytes, length - 16);
                _second = Eight(ref bytes, length - 8);
            }
            else if (length >= 8)
            {
                _first = Eight(ref bytes, 0);
                _second = Eight(ref bytes, length - 8);
            }
            else if (length >= 4)
            {
                _first = Unsafe.ReadUnaligned<uint>(ref bytes);
                _second = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref bytes, length - 4));
            }
            else if (length > 0)
            {
                _first = Unsafe.ReadUnaligned<ushort>(ref bytes);
            }

            ulong high = Math.BigMul(_first ^ s_mask, _second ^ hash, out ulong low);
            Hash = (uint)((high ^ low) >> 32);
        }

        public bool Equals(Key other) => _first == other._first && _second == other._second && Length == other.Length;

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => (int)Hash;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static ulong Eight(ref byte bytes, int offset) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, offset));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static ulong Mix(ulong a, ulong b)
        {
            ulong high = Math.BigMul(a, b, out ulong low);
            return high ^ BitOperations.RotateLeft(low, 23);
        }
    }
}
