using System.Buffers;

namespace NatDsa.Ssh;

/// <summary>
/// Reads what a command writes. SSH.NET, of every version, keeps it until it is read; a thread that waited for each stream would be
/// one too many.
/// </summary>
internal sealed class SshOutput(string host, Stream output, Stream error, int maxOutput, int maxError)
{
    private const int Much = 1 << 20;

    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_nextTurn = TimeSpan.FromMilliseconds(5);

    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ArrayBufferWriter<byte> _error = new();
    private readonly byte[] _buffer = new byte[32 << 10];

    /// <summary>
    /// Waits for the command's end. What comes is looked at every 100 ms, and again at once while it is much: SSH.NET takes whatever a host sends, and no host
    /// is to fill the memory.
    /// </summary>
    /// <exception cref="SshFailureException">There was too much of it, or the connection broke.</exception>
    public async Task ReadAsync(Task end, Func<bool> isConnected, CancellationToken cancellation)
    {
        TimeSpan turn = s_turn;
        while (await Task.WhenAny(end, Task.Delay(turn, cancellation)).ConfigureAwait(false) != end)
        {
            cancellation.ThrowIfCancellationRequested();
            int before = _output.WrittenCount;
            Drain();
            turn = _output.WrittenCount - before < Much ? s_turn : s_nextTurn;
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
        int room = limit - kept.WrittenCount;
        bool fits = stream.Length <= room;
        // What comes in the meantime is the next turn's: a host that writes without end must not keep this one busy.
        for (long left = stream.Length; left > 0;)
        {
            // Old versions wait for as many bytes as are asked for.
            int read = stream.Read(_buffer, 0, (int)Math.Min(left, _buffer.Length));
            left -= read;
            kept.Write(_buffer.AsSpan(0, Math.Min(read, limit - kept.WrittenCount)));
        }

        return fits;
    }
}
