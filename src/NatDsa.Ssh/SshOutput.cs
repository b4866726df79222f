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

    private readonly Pieces _output = new();
    private readonly Pieces _error = new();
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
            int before = _output.Length;
            Drain();
            turn = _output.Length - before < Much ? s_turn : s_nextTurn;
            if (!isConnected() && !end.IsCompleted)
                throw new SshFailureException(SshFailure.Unreachable, host, "The connection broke.");
        }

        await end.ConfigureAwait(false);
        Drain();
    }

    /// <summary>What was read.</summary>
    public SshAnswer Answer(int? exitCode) => new(_output.Whole(), _error.Whole(), exitCode ?? -1);

    private void Drain()
    {
        if (!Take(output, _output, maxOutput))
            throw new SshFailureException(SshFailure.TooMuchOutput, host, "");
        Take(error, _error, maxError);
    }

    /// <summary>Takes what is there; false when it is more than is kept.</summary>
    private bool Take(Stream stream, Pieces kept, int limit)
    {
        int room = limit - kept.Length;
        bool fits = stream.Length <= room;
        // What comes in the meantime is the next turn's: a host that writes without end must not keep this one busy.
        for (long left = stream.Length; left > 0;)
        {
            // Old versions wait for as many bytes as are asked for.
            int read = stream.Read(_buffer, 0, (int)Math.Min(left, _buffer.Length));
            left -= read;
            kept.Add(_buffer.AsSpan(0, Math.Min(read, limit - kept.Length)));
        }

        return fits;
    }

    /// <summary>Bytes as they came: what has no end is not copied again and again while it grows.</summary>
    private sealed class Pieces
    {
        private readonly List<byte[]> _pieces = [];

        public int Length { get; private set; }

        public void Add(ReadOnlySpan<byte> piece)
        {
            if (piece.IsEmpty)
                return;
            _pieces.Add(piece.ToArray());
            Length += piece.Length;
        }

        public byte[] Whole()
        {
            if (_pieces is [var only])
                return only;
            byte[] whole = new byte[Length];
            int end = 0;
            foreach (byte[] piece in _pieces)
            {
                piece.CopyTo(whole, end);
                end += piece.Length;
            }

            return whole;
        }
    }
}
