using System.Collections;
using System.Collections.ObjectModel;
using System.Runtime.CompilerServices;

namespace NatDsa;

/// <summary>A list whose text is that of its members, <c>; </c> between each two: Export-Csv writes it.</summary>
/// <typeparam name="T">What it holds.</typeparam>
/// <param name="members">The members. They are not copied.</param>
[CollectionBuilder(typeof(ReadableList), nameof(ReadableList.Of))]
public sealed class ReadableList<T>(IList<T> members) : ReadOnlyCollection<T>(members)
{
    /// <summary>The members' texts.</summary>
    public override string ToString() => ReadableList.TextOf(this);
}

/// <summary>
/// Members that are made one by one when they are asked for, with the text that a <see cref="ReadableList{T}"/> has.
/// </summary>
/// <typeparam name="T">What it holds.</typeparam>
public sealed class ReadableSequence<T> : IEnumerable<T>
{
    private readonly IEnumerable<T> _members;

    internal ReadableSequence(IEnumerable<T> members) => _members = members;

    /// <summary>Goes through the members.</summary>
    public IEnumerator<T> GetEnumerator() => _members.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The members' texts.</summary>
    public override string ToString() => ReadableList.TextOf(this);
}

/// <summary>Makes lists from collection expressions.</summary>
public static class ReadableList
{
    /// <summary>A list of these members.</summary>
    /// <typeparam name="T">What it holds.</typeparam>
    /// <param name="members">The members.</param>
    public static ReadableList<T> Of<T>(ReadOnlySpan<T> members) => new(members.ToArray());

    internal static string TextOf<T>(IEnumerable<T> members) => string.Join("; ", members);
}
