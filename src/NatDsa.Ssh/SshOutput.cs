using System.Diagnostics;

namespace NatDsa.Ssh;

/// <summary>
/// Reads what a command writes. SSH.NET, of every version, keeps it until it is read; a thread that waited for each stream would be
/// one too many.
/// </summary>
internal sealed class SshOutput(string host, Stream output, Stream error, int maxOutput, int maxError)
{
    private const int Much = 1 << 20;
    private const int Piece = 32 << 10;

    // A login shell may greet at length.
    private const int Beginning = 64 << 10;

    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_nextTurn = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_firstTurn = TimeSpan.FromMilliseconds(2);

    private readonly Pieces _output = new();
    private readonly Pieces _error = new();

    /// <summary>
    /// Waits for the command's end. What comes is looked at every 100 ms, and again at once while it is much: SSH.NET takes whatever a host sends, and no host
    /// is to fill the memory.
    /// </summary>
    /// <exception cref="SshFailureException">There was too much of it, or the connection broke.</exception>
    public Task ReadAsync(Task end, Func<bool> isConnected, CancellationToken cancellation) => ReadAsync(end, isConnected, null, cancellation);

    /// <summary>The same of a command that goes on: waits, too, until what it has written is enough, and tells whether it was.</summary>
    /// <remarks>Nothing tells when something comes: it is looked for again when a quarter more of the time has passed.</remarks>
    public async Task<bool> ReadAsync(Task end, Func<bool> isConnected, Func<bool>? isEnough, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan turn = isEnough is null ? s_turn : s_firstTurn;
        while (isEnough?.Invoke() != true)
        {
            if (await Task.WhenAny(end, Task.Delay(turn, cancellation)).ConfigureAwait(false) == end)
            {
                await end.ConfigureAwait(false);
                Drain();
                return isEnough?.Invoke() == true;
            }

            cancellation.ThrowIfCancellationRequested();
            int before = _output.Length;
            Drain();
            turn = _output.Length - before >= Much ? s_nextTurn
                : isEnough is null ? s_turn
                : TimeSpan.FromTicks(Math.Clamp(Stopwatch.GetElapsedTime(start).Ticks / 4, s_firstTurn.Ticks, s_turn.Ticks));
            if (!isConnected() && !end.IsCompleted)
                throw new SshFailureException(SshFailure.Unreachable, host, "The connection broke.");
        }

        return true;
    }

    /// <summary>Whether these bytes are in the beginning of what was read.</summary>
    public bool HasEarly(ReadOnlySpan<byte> text) => _output.Whole(Beginning).AsSpan().IndexOf(text) >= 0;

    /// <summary>Whether what was read ends with these bytes.</summary>
    public bool EndsWith(ReadOnlySpan<byte> text) => _output.EndsWith(text);

    /// <summary>What was read.</summary>
    public SshAnswer Answer(int? exitCode) => new(_output.Whole(), _error.Whole(), exitCode ?? -1);

    private void Drain()
    {
        if (!Take(output, _output, maxOutput))
            throw new SshFailureException(SshFailure.TooMuchOutput, host, "");
        Take(error, _error, maxError);
    }

    /// <summary>Takes what is there; false when it is more than is kept.</summary>
    private static bool Take(Stream stream, Pieces kept, int limit)
    {
        int room = limit - kept.Length;
        bool fits = stream.Length <= room;
        // What comes in the meantime is the next turn's: a host that writes without end must not keep this one busy.
        for (long left = stream.Length; left > 0;)
        {
            // Old versions wait for as many bytes as are asked for.
            byte[] piece = new byte[Math.Min(left, Piece)];
            int read = stream.Read(piece, 0, piece.Length);
            left -= read;
            Array.Resize(ref piece, Math.Min(read, limit - kept.Length));
            kept.Add(piece);
        }

        return fits;
    }

    /// <summary>Bytes as they came: what has no end is not copied again and again while it grows.</summary>
    private sealed class Pieces
    {
        private readonly List<byte[]> _pieces = [];

        public int Length { get; private set; }

        public void Add(byte[] piece)
        {
            if (piece.Length == 0)
                return;
            _pieces.Add(piece);
            Length += piece.Length;
        }

        /// <summary>All of it, or as much of it.</summary>
        public byte[] Whole(int length = int.MaxValue)
        {
            if (_pieces is [var only] && only.Length <= length)
                return only;
            byte[] whole = new byte[Math.Min(length, Length)];
            int end = 0;
            foreach (byte[] piece in _pieces)
            {
                int taken = Math.Min(piece.Length, whole.Length - end);
                Array.Copy(piece, 0, whole, end, taken);
                end += taken;
            }

            return whole;
        }

        public bool EndsWith(ReadOnlySpan<byte> text)
        {
            for (int last = _pieces.Count - 1; last >= 0 && text.Length > 0; last--)
            {
                ReadOnlySpan<byte> piece = _pieces[last];
                int common = Math.Min(piece.Length, text.Length);
                if (!piece[^common..].SequenceEqual(text[^common..]))
                    return false;
                text = text[..^common];
            }

            return text.IsEmpty;
        }
    }
}
