namespace NatDsa.Netfilter;

/// <summary>
/// A list that grows by chunks: nothing is copied when it grows, and no array is so large (85,000 bytes) that the collector treats it as a
/// large object, whose collection is dear.
/// </summary>
/// <param name="expected">How many elements there may be, so that the only chunk of a small list need not be as long as others.</param>
internal sealed class Chunks<T>(int expected)
{
    // How many elements a chunk has, as a power of two.
    private const int Bits = 10;

    private T[][] _chunks = [];

    /// <summary>How many elements there are.</summary>
    public int Count { get; private set; }

    /// <summary>An element.</summary>
    public ref T this[int index] => ref _chunks[index >> Bits][PlaceOf(index)];

    /// <summary>The chunk that an element is in.</summary>
    public T[] ChunkOf(int index) => _chunks[index >> Bits];

    /// <summary>The place of an element in its chunk.</summary>
    public static int PlaceOf(int index) => index & ((1 << Bits) - 1);

    /// <summary>Adds an element, which has its default value.</summary>
    public ref T Add()
    {
        int index = Count++;
        int chunk = index >> Bits;
        int place = PlaceOf(index);
        if (place == 0)
        {
            if (chunk == _chunks.Length)
                Array.Resize(ref _chunks, Math.Max(4, chunk * 2));
            _chunks[chunk] ??= GC.AllocateUninitializedArray<T>(chunk == 0 ? Math.Clamp(expected, 4, 1 << Bits) : 1 << Bits);
        }
        else if (place == _chunks[chunk].Length)
        {
            Array.Resize(ref _chunks[chunk], Math.Min(place * 2, 1 << Bits));
        }

        ref T element = ref _chunks[chunk][place];
        element = default!;
        return ref element;
    }

    /// <summary>Adds elements until there are as many.</summary>
    public void Fill(int count)
    {
        while (Count < count)
            Add();
    }

    /// <summary>Takes the last element back.</summary>
    public void RemoveLast() => Count--;
}
