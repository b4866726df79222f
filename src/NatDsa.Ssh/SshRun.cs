using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>A command that a host has started, and that waits for its input.</summary>
/// <param name="connection">What it runs over.</param>
/// <param name="command">The command.</param>
/// <param name="end">Its end.</param>
internal sealed class SshRun(SshConnection connection, SshCommand command, Task end) : IDisposable
{
    private static readonly TimeSpan s_killLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>Gives it its input, and waits for its end.</summary>
    /// <param name="input">What goes to its standard input.</param>
    /// <param name="maxOutput">Bytes of standard output after which it counts as failed.</param>
    /// <param name="maxError">Bytes of standard error that are kept.</param>
    /// <param name="kill">Whether it is killed when it is broken off. A command that neither reads nor writes does not notice that its connection has ended.</param>
    /// <param name="cancellation">Breaks it off; the connection ends with it.</param>
    /// <exception cref="SshFailureException">The connection broke, or there was too much output.</exception>
    public Task<SshAnswer> AnswerAsync(byte[] input, int maxOutput, int maxError, bool kill, CancellationToken cancellation) => connection.GuardAsync(
        async () =>
        {
            try
            {
                await SshConnection.OnOwnThreadAsync(() => Write(input), cancellation).ConfigureAwait(false);
                var output = new SshOutput(connection.Host, command.OutputStream, command.ExtendedOutputStream, maxOutput, maxError);
                await output.ReadAsync(end, () => connection.IsOpen, cancellation).ConfigureAwait(false);
                return output.Answer(command.ExitStatus);
            }
            catch (OperationCanceledException) when (kill)
            {
                await KillAsync().ConfigureAwait(false);
                throw;
            }
        },
        cancellation);

    /// <summary>Closes its channel, in the background: that waits for the far side for up to a second.</summary>
    public void Dispose() => _ = Task.Run(command.Dispose, CancellationToken.None);

    /// <summary>Has the host kill it, if its sshd knows how (OpenSSH does since 7.9, but not for root), and if that can be said at all.</summary>
    private async Task KillAsync()
    {
        Task<bool> kill = SshConnection.OnOwnThreadAsync(
            () =>
            {
                command.CancelAsync(forceKill: true, millisecondsTimeout: 0);
                return true;
            },
            CancellationToken.None);
        await Task.WhenAny(kill, Task.Delay(s_killLimit)).ConfigureAwait(false);
        _ = kill.ContinueWith(static k => k.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    private bool Write(byte[] input)
    {
        try
        {
            using Stream stream = command.CreateInputStream();
            stream.Write(input);
        }
        catch (Exception e) when (connection.IsOpen && (e is SshException or IOException or InvalidOperationException))
        {
            // The command has ended before it read its input, as that of a user does who may not run any: its output says why.
        }

        return true;
    }
}
