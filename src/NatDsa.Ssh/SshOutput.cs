using System.Buffers;
using Renci.SshNet;

namespace NatDsa.Ssh;

/// <summary>Reads what a command writes. SSH.NET keeps it until it is read, and a thread that waited for each stream would be one too many.</summary>
internal sealed class SshOutput(SshCommand command, int maxOutput, int maxError)
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(100);

    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ArrayBufferWriter<byte> _error = new();
    private readonly byte[] _buffer = new byte[32 << 10];

    /// <summary>Waits for the command's end. What comes is looked at every 100 ms, so that no host can fill the memory.</summary>
    public async Task<SshAnswer> ReadAsync(Task end, string host, CancellationToken cancellation)
    {
        while (await Task.WhenAny(end, Task.Delay(s_turn, cancellation)).ConfigureAwait(false) != end)
        {
            cancellation.ThrowIfCancellationRequested();
            Drain(host);
        }

        await end.ConfigureAwait(false);
        Drain(host);
        return new SshAnswer(_output.WrittenMemory, _error.WrittenMemory, command.ExitStatus ?? -1);
    }

    private void Drain(string host)
    {
        if (!Take(command.OutputStream, _output, maxOutput))
            throw new SshFailureException(SshFailure.TooMuchOutput, host, "");
        Take(command.ExtendedOutputStream, _error, maxError);
    }

    /// <summary>Takes what is there; false when it is more than is kept.</summary>
    private bool Take(Stream stream, ArrayBufferWriter<byte> kept, int limit)
    {
        bool fits = true;
        while (stream.Length > 0)
        {
            int read = stream.Read(_buffer, 0, _buffer.Length);
            int room = limit - kept.WrittenCount;
            fits &= read <= room;
            kept.Write(_buffer.AsSpan(0, Math.Min(read, room)));
        }

        return fits;
    }
}
