using System.Text;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>A host reached by SSH, which needs nothing but its sshd. The connection that a run opens serves those that come after it, too.</summary>
internal sealed class SshTarget : HostTarget
{
    private const int MaxError = 64 << 10;

    private readonly SshServerAddress _server;
    private readonly SshAccess _access;
    private readonly HeldConnection<SshConnection> _connection = new(c => c.IsOpen);

    /// <summary>Names a host; nothing is connected yet.</summary>
    /// <param name="computerName">The host as the caller named it.</param>
    /// <param name="server">Where that is, and whom to log in as.</param>
    /// <param name="access">How it is reached.</param>
    public SshTarget(string computerName, SshServerAddress server, SshAccess access) =>
        (ComputerName, _server, _access) = (computerName, server, access);

    public override string ComputerName { get; }

    internal override string Way => _access.JumpHost is { } jump
        ? Messages.WaySshThrough.With($"{_server}", $"{jump}")
        : Messages.WaySsh.With($"{_server}");

    internal override IDisposable Hold() => _connection.Hold();

    internal override void Drop() => _connection.Drop();

    internal override Task<HostTarget?> AnewAsync(CancellationToken cancellation) => Task.FromResult<HostTarget?>(new SshTarget(ComputerName, _server, _access));

    internal override HostTarget Another(string name, HostAddress address) =>
        new SshTarget(name, new SshServerAddress(address.Host, address.Port ?? _server.Port, address.UserName ?? _server.UserName), _access);

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using IDisposable held = Hold();
        SshConnection? kept = _connection.Open;
        bool begun = false;
        try
        {
            SshAnswer answer;
            // Root's shell, where it is sudo's, is not kept.
            if (script.CanBeAskedAgain && limits.Sudo is null)
            {
                answer = await AskAsync(script, limits, stop.Token).ConfigureAwait(false);
            }
            else
            {
                using SshRun run = await StartAsync(ShellLaunch.Command(script, limits.Sudo), stop.Token).ConfigureAwait(false);
                begun = true;
                answer = await run.AnswerAsync(ShellLaunch.CommandInput(script, limits.Sudo), limits.MaxOutput, MaxError, limits.KillOnStop, stop.Token).ConfigureAwait(false);
            }

            return new HostAnswer(answer.Output, Encoding.UTF8.GetString(answer.Error.Span), answer.ExitCode)
            {
                OverKept = kept is not null && kept == _connection.Open,
            };
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            _connection.Drop();
            // Before the script has begun, nothing goes on there.
            throw HostFailures.TimedOut(ComputerName, begun ? limits : limits with { KillOnStop = true });
        }
        catch (SshFailureException e)
        {
            _connection.Drop();
            HostException failure = SshFailures.Of(e, limits);
            throw begun && !limits.KillOnStop && failure.ErrorId == ErrorIds.TargetUnreachable ? HostFailures.ConnectionLost(failure) : failure;
        }
        catch
        {
            _connection.Drop();
            throw;
        }
    }

    /// <summary>Asks the shell that waits for the next question, or one of its own, which then waits.</summary>
    private async Task<SshAnswer> AskAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        string nonce = script.Values["NONCE"];
        (byte[] beginning, byte[] lastLine) = (FramedAnswer.Mark(nonce), FramedAnswer.LastLine(nonce));

        // It, or its host, may have gone in the meantime. A question is asked twice without harm.
        if (_connection.Open?.TakeWaiting() is { } waiting)
        {
            try
            {
                if (await AskOneAsync(waiting, script.NextQuestion()).ConfigureAwait(false) is { IsWhole: true } again)
                    return again.Answer;
            }
            catch (SshFailureException e) when (e.Failure == SshFailure.Unreachable)
            {
                // The connection has ended with it, and the next one is new.
            }
        }

        SshRun run = await StartAsync(ShellLaunch.QuestionCommand, cancellation).ConfigureAwait(false);
        return (await AskOneAsync(run, ShellLaunch.FirstQuestion(script)).ConfigureAwait(false)).Answer;

        async Task<(SshAnswer Answer, bool IsWhole)> AskOneAsync(SshRun run, byte[] question)
        {
            try
            {
                return await run.AskAsync(question, beginning, lastLine, limits.MaxOutput, MaxError, cancellation).ConfigureAwait(false);
            }
            finally
            {
                if (run.IsWaiting)
                    run.Keep();
                else
                    run.Dispose();
            }
        }
    }

    /// <summary>Starts a command, which then waits for its input. A connection that has died since it was last used is opened anew.</summary>
    private async Task<SshRun> StartAsync(string command, CancellationToken cancellation)
    {
        while (true)
        {
            (SshConnection connection, bool isNew) = await _connection.GetAsync(c => SshConnection.OpenAsync(_server, _access, c), cancellation).ConfigureAwait(false);
            if (isNew)
                return await connection.StartAsync(command, cancellation).ConfigureAwait(false);

            using var proof = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            proof.CancelAfter(SshRun.SignOfLife);
            try
            {
                return await connection.StartAsync(command, proof.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SshFailureException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                _connection.Drop();
            }
        }
    }
}
