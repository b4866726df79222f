namespace NatDsa.LabTests;

/// <summary>A file system of a few pages over a folder of the host, with what was in the folder, until it is disposed of.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private readonly SharedLab _host;
    private readonly string _folder;

    private SmallDisk(SharedLab host, string folder) => (_host, _folder) = (host, folder);

    /// <summary>Mounts it.</summary>
    public static async Task<SmallDisk> MountAsync(SharedLab host, string folder, int pages)
    {
        await host.OnNatAsync($"""
            mkdir -p {folder}
            tar -C {folder} -cf /run/small-disk.tar .
            mount -t tmpfs -o mode=700,nr_blocks={pages} natdsa-small {folder}
            tar -C {folder} -xf /run/small-disk.tar
            """);
        return new SmallDisk(host, folder);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _host.Nat.ShellAsync($"umount {_folder}");
}
