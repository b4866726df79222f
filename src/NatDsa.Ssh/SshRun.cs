using Renci.SshNet;

namespace NatDsa.Ssh;

/// <summary>A command that a host has started, and that waits for its input.</summary>
/// <param name="connection">What it runs over.</param>
/// <param name="command">The command.</param>
/// <param name="end">Its end.</param>
internal sealed class SshRun(SshConnection connection, SshCommand command, Task end) : IDisposable
{
    /// <summary>Gives it its input, and waits for its end.</summary>
    /// <param name="input">What goes to its standard input.</param>
    /// <param name="maxOutput">Bytes of standard output after which it counts as failed.</param>
    /// <param name="maxError">Bytes of standard error that are kept.</param>
    /// <param name="cancellation">Breaks it off; the connection ends with it.</param>
    /// <exception cref="SshFailureException">The connection broke, or there was too much output.</exception>
    public Task<SshAnswer> AnswerAsync(byte[] input, int maxOutput, int maxError, CancellationToken cancellation) => connection.GuardAsync(
        async () =>
        {
            await SshConnection.OnOwnThreadAsync(() => Write(input), cancellation).ConfigureAwait(false);
            var output = new SshOutput(connection.Host, command.OutputStream, command.ExtendedOutputStream, maxOutput, maxError);
            await output.ReadAsync(end, () => connection.IsOpen, cancellation).ConfigureAwait(false);
            return output.Answer(command.ExitStatus);
        },
        cancellation);

    /// <summary>Closes its channel, in the background: that waits for the far side for up to a second.</summary>
    public void Dispose() => _ = Task.Run(command.Dispose, CancellationToken.None);

    private bool Write(byte[] input)
    {
        using Stream stream = command.CreateInputStream();
        stream.Write(input);
        return true;
    }
}
