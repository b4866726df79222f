using NatDsa.Probe;

namespace NatDsa;

/// <summary>A backup that is kept on a host, read from what the host says of it (take.sh).</summary>
internal static class KeptBackup
{
    /// <summary>The backup, with its files; or why there is none. Neither: the host keeps no such backup.</summary>
    public static (NatBackup? Backup, Fault? Fault) Read(HostSnapshot host)
    {
        if (host.Answer["backup"]?.Fact("folder") is not { } folder)
            return (null, null);
        return NatBackupManifest.Read(host.Answer["manifest"]?.Text ?? "", Content, folder, onHost: true);

        ReadOnlyMemory<byte>? Content(string name) => host.Answer["backup." + name] is { ExitCode: 0 } file ? file.Output : null;
    }
}
