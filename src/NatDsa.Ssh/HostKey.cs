using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NatDsa.Ssh;

/// <summary>A host's public key, in the wire format of RFC 4253, section 6.6: the type's name, then what belongs to it.</summary>
internal sealed class HostKey : IEquatable<HostKey>
{
    private readonly byte[] _blob;

    private HostKey(string type, byte[] blob) => (Type, _blob) = (type, blob);

    /// <summary>The type, such as <c>ssh-ed25519</c>.</summary>
    public string Type { get; }

    /// <summary>The fingerprint, as ssh shows it: <c>SHA256:</c> and base64 without padding.</summary>
    public string Fingerprint => "SHA256:" + Convert.ToBase64String(SHA256.HashData(_blob)).TrimEnd('=');

    /// <summary>Reads a key; null when the bytes are none.</summary>
    public static HostKey? Read(byte[] blob)
    {
        if (blob.Length < 4)
            return null;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(blob);
        if (length == 0 || length > blob.Length - 4)
            return null;
        ReadOnlySpan<byte> name = blob.AsSpan(4, (int)length);
        return name.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? null : new HostKey(Encoding.ASCII.GetString(name), blob);
    }

    /// <summary>The type and the base64 of the key, as known_hosts has them.</summary>
    public override string ToString() => $"{Type} {Convert.ToBase64String(_blob)}";

    public bool Equals(HostKey? other) => other is not null && _blob.AsSpan().SequenceEqual(other._blob);

    public override bool Equals(object? obj) => Equals(obj as HostKey);

    public override int GetHashCode() => BinaryPrimitives.ReadInt32BigEndian(SHA256.HashData(_blob));
}
