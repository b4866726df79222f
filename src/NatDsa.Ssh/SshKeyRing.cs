using System.Collections.Concurrent;

namespace NatDsa.Ssh;

/// <summary>Private keys, each read once for all the hosts that it logs in to.</summary>
internal sealed class SshKeyRing
{
    private readonly ConcurrentDictionary<string, Lazy<SshKeyFile>> _files = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<SshKeyFile> _passedOver = new();

    /// <summary>
    /// A key that nobody has named for this run. One that is of no use is passed over, which is told once.
    /// </summary>
    /// <param name="path">Its file.</param>
    /// <param name="isUsual">Whether it is one of the usual places, where nothing need be.</param>
    public SshKeyFile Of(string path, bool isUsual) => _files.GetOrAdd(path, p => new Lazy<SshKeyFile>(() =>
    {
        SshKeyFile file = SshKeyFile.Read(p, null);
        // A key that is protected is no fault: an agent may hold it.
        if (file.Flaw == SshKeyFlaw.Unusable
            || (file.Flaw == SshKeyFlaw.Missing && !isUsual)
            || (file.Flaw == SshKeyFlaw.Public && isUsual))
        {
            _passedOver.Enqueue(file);
        }

        return file;
    })).Value;

    /// <summary>The keys that were passed over, and have not been taken from here yet.</summary>
    public IEnumerable<SshKeyFile> TakePassedOver()
    {
        while (_passedOver.TryDequeue(out SshKeyFile? file))
            yield return file;
    }
}
