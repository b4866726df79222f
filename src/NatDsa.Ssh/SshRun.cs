using System.Diagnostics;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NatDsa.Ssh;

/// <summary>A command that a host has started, and that waits for its input.</summary>
/// <param name="connection">What it runs over.</param>
/// <param name="command">The command.</param>
/// <param name="end">Its end.</param>
internal sealed class SshRun(SshConnection connection, SshCommand command, Task end) : IDisposable
{
    /// <summary>A host that has been shut down, or whose network was, says nothing at all.</summary>
    public static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_killLimit = TimeSpan.FromMilliseconds(300);

    private const int MaxUnasked = 64 << 10;

    private static readonly TimeSpan s_watch = TimeSpan.FromSeconds(1);

    private Stream? _input;
    private volatile bool _hasAnswered;
    private volatile bool _isClosed;
    private Task? _watch;

    /// <summary>Whether it waits for another question.</summary>
    public bool IsWaiting => _hasAnswered && _input is not null && !end.IsCompleted;

    /// <summary>Gives it its input, and waits for its end.</summary>
    /// <param name="input">What goes to its standard input.</param>
    /// <param name="maxOutput">Bytes of standard output after which it counts as failed.</param>
    /// <param name="maxError">Bytes of standard error that are kept.</param>
    /// <param name="kill">Whether it is killed when it is broken off. A command that neither reads nor writes does not notice that its connection has ended.</param>
    /// <param name="cancellation">Breaks it off; the connection ends with it.</param>
    /// <exception cref="SshFailureException">The connection broke, or there was too much output.</exception>
    public Task<SshAnswer> AnswerAsync(byte[] input, int maxOutput, int maxError, bool kill, CancellationToken cancellation) => UseAsync(
        async () =>
        {
            await SshConnection.OnOwnThreadAsync(() => Write(input) && EndInput(), cancellation).ConfigureAwait(false);
            SshOutput output = Output(maxOutput, maxError);
            await output.ReadAsync(end, () => connection.IsOpen, cancellation).ConfigureAwait(false);
            return output.Answer(command.ExitStatus);
        },
        kill,
        cancellation);

    /// <summary>Gives it a question, and waits for the last line of the answer. It waits for another question then, if it has not ended.</summary>
    /// <param name="question">What goes to its standard input, which goes on.</param>
    /// <param name="beginning">What shows that the question has arrived. One that has answered before, and does not begin in time, is given up, with its connection.</param>
    /// <param name="lastLine">
    /// What the answer ends with. Where that does not come in time, the input ends, and with it the command: it may wait for that before it does anything, or may have lost its last line.
    /// </param>
    /// <param name="maxOutput">As for the other.</param>
    /// <param name="maxError">As for the other.</param>
    /// <param name="cancellation">Breaks it off: it is killed, and the connection ends.</param>
    /// <returns>The answer, and whether its last line has come. If not, the command has ended.</returns>
    /// <exception cref="SshFailureException">As for the other.</exception>
    public Task<(SshAnswer Answer, bool IsWhole)> AskAsync(
        byte[] question, byte[] beginning, byte[] lastLine, int maxOutput, int maxError, CancellationToken cancellation) => UseAsync(
        async () =>
        {
            bool isFirst = !_hasAnswered;
            _hasAnswered = false;
            long start = Stopwatch.GetTimestamp();
            await SshConnection.OnOwnThreadAsync(() => Write(question), cancellation).ConfigureAwait(false);
            SshOutput output = Output(maxOutput, maxError);
            await ReadUntilAsync(() => output.EndsWith(lastLine) || Stopwatch.GetElapsedTime(start) > SignOfLife).ConfigureAwait(false);
            if (!output.EndsWith(lastLine) && !end.IsCompleted)
            {
                if (!isFirst && !output.HasEarly(beginning))
                    throw new SshFailureException(SshFailure.Unreachable, connection.Host, "The shell that was asked before does not answer any more.");
                await SshConnection.OnOwnThreadAsync(EndInput, cancellation).ConfigureAwait(false);
                await ReadUntilAsync(() => output.EndsWith(lastLine)).ConfigureAwait(false);
            }

            _hasAnswered = output.EndsWith(lastLine);
            return (output.Answer(_hasAnswered ? 0 : command.ExitStatus), _hasAnswered);

            Task ReadUntilAsync(Func<bool> isEnough) => output.ReadAsync(end, () => connection.IsOpen, isEnough, cancellation);
        },
        kill: true,
        cancellation);

    /// <summary>Keeps it, for the next question, with the connection.</summary>
    public void Keep()
    {
        connection.Keep(this);
        _watch ??= WatchAsync();
    }

    /// <summary>Ends the connection of a command that is asked nothing and writes all the same: SSH.NET takes whatever a host sends.</summary>
    private async Task WatchAsync()
    {
        while (await Task.WhenAny(end, Task.Delay(s_watch)).ConfigureAwait(false) != end && !_isClosed && !connection.IsClosed)
        {
            if (_hasAnswered && command.OutputStream.Length + command.ExtendedOutputStream.Length > MaxUnasked)
                connection.Abort();
        }
    }

    /// <summary>Ends its input, and waits for its end.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await SshConnection.OnOwnThreadAsync(EndInput, cancellation).ConfigureAwait(false);
        await end.WaitAsync(cancellation).ConfigureAwait(false);
        _isClosed = true;
        command.Dispose();
    }

    /// <summary>Closes its channel, in the background: that waits for the far side for up to a second.</summary>
    public void Dispose()
    {
        _isClosed = true;
        _ = Task.Run(command.Dispose, CancellationToken.None);
    }

    private SshOutput Output(int maxOutput, int maxError) => new(connection.Host, command.OutputStream, command.ExtendedOutputStream, maxOutput, maxError);

    private Task<T> UseAsync<T>(Func<Task<T>> use, bool kill, CancellationToken cancellation) => connection.GuardAsync(
        async () =>
        {
            try
            {
                return await use().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (kill)
            {
                await KillAsync().ConfigureAwait(false);
                throw;
            }
        },
        cancellation);

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

    private bool Write(byte[] input) => Tell(() => (_input ??= command.CreateInputStream()).Write(input));

    private bool EndInput() => Tell(() =>
    {
        _input?.Dispose();
        _input = null;
    });

    private bool Tell(Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception e) when (connection.IsOpen && (e is SshException or IOException or InvalidOperationException))
        {
            // The command has ended before it read its input, as that of a user does who may not run any: its output says why.
        }

        return true;
    }
}
