using System.Buffers;

namespace NatDsa.Ssh;

/// <summary>
/// Reads what a command writes. SSH.NET, of every version, keeps it until it is read; a thread that waited for each stream would be
/// one too many.
/// </summary>
internal sealed class SshOutput(string host, Stream output, Stream error, int maxOutput, int maxError)
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(100);

    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ArrayBufferWriter<byte> _error = new();
    private readonly byte[] _buffer = new byte[32 << 10];

    /// <summary>Waits for the command's end. What comes is looked at every 100 ms, so that no host can fill the memory.</summary>
    /// <exception cref="SshFailureException">There was too much of it, or the connection broke.</exception>
    public async Task ReadAsync(Task end, Func<bool> isConnected, CancellationToken cancellation)
    {
        while (await Task.WhenAny(end, Task.Delay(s_turn, cancellation)).ConfigureAwait(false) != end)
        {
            cancellation.ThrowIfCancellationRequested();
            Drain();
            if (!isConnected() && !end.IsCompleted)
                throw new SshFailureException(SshFailure.Unreachable, host, "The connection broke.");
        }

        await end.ConfigureAwait(false);
        Drain();
    }

    /// <summary>What was read.</summary>
    public SshAnswer Answer(int? exitCode) => new(_output.WrittenMemory, _error.WrittenMemory, exitCode ?? -1);

    private void Drain()
    {
        if (!Take(output, _output, maxOutput))
            throw new SshFailureException(SshFailure.TooMuchOutput, host, "");
        Take(error, _error, maxError);
    }

    /// <summary>Takes what is there; false when it is more than is kept.</summary>
    private bool Take(Stream stream, ArrayBufferWriter<byte> kept, int limit)
    {
        bool fits = true;
        // What comes in the meantime is the next turn's: a host that writes without end must not keep this one busy.
        for (long left = stream.Length; left > 0;)
        {
            // Old versions wait for as many bytes as are asked for.
            int read = stream.Read(_buffer, 0, (int)Math.Min(left, _buffer.Length));
            left -= read;
            int room = limit - kept.WrittenCount;
            fits &= read <= room;
            kept.Write(_buffer.AsSpan(0, Math.Min(read, room)));
        }

        return fits;
    }
}
