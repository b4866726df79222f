using System.Security.Cryptography;

namespace NatDsa;

/// <summary>Files on this machine that are there whole or not at all: written beside their place, and moved there when all of them is on the disk.</summary>
internal static class WholeFile
{
    /// <summary>A name in a folder for what is not finished. It begins with a dot, and nobody can guess it.</summary>
    public static string UnfinishedIn(string folder) => Path.Combine(folder, ".unfinished-" + RandomNumberGenerator.GetHexString(16, lowercase: true));

    /// <summary>Writes a file that is not there yet, to the disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Its mode, less the umask; not on Windows.</param>
    public static void Write(string file, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        using var stream = new FileStream(file, options);
        stream.Write(content);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Reads a file, and lets others write to it, move it away and replace it meanwhile, as on Unix.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] Read(string file)
    {
        const FileShare Everything = FileShare.ReadWrite | FileShare.Delete;
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, Everything, bufferSize: 0);
        // A pipe has no length, and a file of the kernel's own none that it tells.
        using var content = new MemoryStream(stream.CanSeek ? checked((int)stream.Length) : 0);
        stream.CopyTo(content);
        return content.Length == content.Capacity ? content.GetBuffer() : content.ToArray();
    }

    /// <summary>Writes a file, in the place of one that may be there. Where that fails, the old one stays.</summary>
    /// <inheritdoc cref="Write"/>
    public static void Replace(string file, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        string unfinished = UnfinishedIn(Path.GetDirectoryName(file)!);
        try
        {
            Write(unfinished, content, mode);
            File.Move(unfinished, file, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
