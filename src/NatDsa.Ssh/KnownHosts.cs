using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>What known_hosts says about the key that a host shows.</summary>
internal enum HostKeyVerdict
{
    /// <summary>It is the host's key.</summary>
    Known,

    /// <summary>Nothing is known about the host.</summary>
    Unknown,

    /// <summary>The host has other keys.</summary>
    Changed,

    /// <summary>The key is marked as revoked.</summary>
    Revoked,
}

/// <summary>
/// The lines of known_hosts files, as OpenSSH reads them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): names plain, with wildcards and
/// negation, or hashed; <c>[host]:port</c>; the marker <c>@revoked</c>. A <c>@cert-authority</c> vouches for certificates, which
/// are not asked for: it says nothing about a key. A line that is none is passed over.
/// </summary>
internal sealed class KnownHosts
{
    private const int DefaultPort = 22;
    private readonly List<Entry> _entries = [];

    private KnownHosts()
    {
    }

    /// <summary>Whether the files hide their hosts' names.</summary>
    public bool IsHashed => _entries.Exists(e => e.Names.StartsWith('|'));

    /// <summary>The names that stand there as they are: not hashed, and no patterns.</summary>
    public IEnumerable<string> PlainNames =>
        _entries.Where(e => !e.Names.StartsWith('|')).SelectMany(e => e.Names.Split(',')).Where(WordPattern.IsPlain);

    /// <summary>Reads the text of one file or of several.</summary>
    public static KnownHosts Read(params string[] texts)
    {
        var known = new KnownHosts();
        foreach (string text in texts)
        {
            foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
            {
                if (Entry.Read(line.ToString()) is { } entry)
                    known._entries.Add(entry);
            }
        }

        return known;
    }

    /// <summary>Judges the key that a host shows.</summary>
    /// <remarks>
    /// A host of which only keys of other types are known counts as changed: it was asked for those first, and who stands between
    /// could show a key of another type. OpenSSH asks its user in that case.
    /// </remarks>
    public HostKeyVerdict Judge(string host, int port, HostKey key)
    {
        string name = NameOf(host, port);
        List<Entry> entries = [.. _entries.Where(e => e.Matches(name))];
        // A key that is known for the host without its port is as good, as it is to OpenSSH.
        List<Entry> portless = port == DefaultPort ? [] : [.. _entries.Where(e => e.Matches(NameOf(host, DefaultPort)))];
        if (entries.Concat(portless).Any(e => e.Marker == Marker.Revoked && e.Key.Equals(key)))
            return HostKeyVerdict.Revoked;
        if (entries.Exists(IsKey))
            return HostKeyVerdict.Known;
        if (entries.Exists(e => e.Marker == Marker.None))
            return HostKeyVerdict.Changed;
        return portless.Exists(IsKey) ? HostKeyVerdict.Known : HostKeyVerdict.Unknown;

        bool IsKey(Entry entry) => entry.Marker == Marker.None && entry.Key.Equals(key);
    }

    /// <summary>The types of the keys that are known for a host: what to ask it for first.</summary>
    public IReadOnlyList<string> TypesFor(string host, int port)
    {
        List<string> types = Types(port);
        return types.Count > 0 ? types : Types(DefaultPort);

        List<string> Types(int at) =>
            [.. _entries.Where(e => e.Marker == Marker.None && e.Matches(NameOf(host, at))).Select(e => e.Key.Type).Distinct()];
    }

    /// <summary>A line for a host's key, with its end.</summary>
    /// <param name="host">The host's name or address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="key">Its key.</param>
    /// <param name="salt">20 bytes when the name is to be hashed; otherwise null.</param>
    public static string Line(string host, int port, HostKey key, byte[]? salt)
    {
        string name = NameOf(host, port);
        string shown = salt is null ? name : $"|1|{Convert.ToBase64String(salt)}|{Convert.ToBase64String(Hash(salt, name))}";
        return $"{shown} {key}\n";
    }

    private static string NameOf(string host, int port)
    {
        string lower = host.ToLowerInvariant();
        return port == DefaultPort ? lower : $"[{lower}]:{port}";
    }

    [SuppressMessage("Security", "CA5350", Justification = "The format's own; it hides names, and vouches for nothing.")]
    private static byte[] Hash(byte[] salt, string name) => HMACSHA1.HashData(salt, Encoding.UTF8.GetBytes(name));

    private enum Marker
    {
        None,
        Revoked,
        CertAuthority,
    }

    private sealed record Entry(Marker Marker, string Names, HostKey Key)
    {
        private static readonly char[] s_blanks = [' ', '\t'];

        private readonly string[] _patterns = Names.ToLowerInvariant().Split(',');
        private readonly (byte[] Salt, byte[] Hash)? _hashed = HashedName(Names);

        public static Entry? Read(string line)
        {
            string[] words = line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 3 || words[0][0] == '#')
                return null;
            Marker? marker = words[0][0] != '@' ? Marker.None : words[0] switch
            {
                "@revoked" => Marker.Revoked,
                "@cert-authority" => Marker.CertAuthority,
                _ => null,
            };
            int at = marker == Marker.None ? 0 : 1;
            if (marker is null || words.Length < at + 3)
                return null;

            byte[] blob = new byte[words[at + 2].Length];
            return Convert.TryFromBase64String(words[at + 2], blob, out int length)
                && HostKey.Read(blob[..length]) is { } key
                && key.Type == words[at + 1]
                    ? new Entry(marker.Value, words[at], key)
                    : null;
        }

        public bool Matches(string name)
        {
            if (Names.StartsWith('|'))
                return _hashed is { } hashed && Hash(hashed.Salt, name).AsSpan().SequenceEqual(hashed.Hash);
            return WordPattern.MatchesOneOf(name, _patterns);
        }

        private static (byte[] Salt, byte[] Hash)? HashedName(string names)
        {
            if (names.Split('|') is not ["", "1", var salt, var hash])
                return null;
            byte[] saltBytes = new byte[salt.Length];
            byte[] hashBytes = new byte[hash.Length];
            return Convert.TryFromBase64String(salt, saltBytes, out int saltLength) && Convert.TryFromBase64String(hash, hashBytes, out int hashLength)
                ? (saltBytes[..saltLength], hashBytes[..hashLength])
                : null;
        }
    }
}
