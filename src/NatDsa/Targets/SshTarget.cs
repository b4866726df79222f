using System.Text;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>A host reached by SSH, which needs nothing but its sshd. The connection that a run opens serves those that come after it, too.</summary>
internal sealed class SshTarget : HostTarget
{
    private const int MaxError = 64 << 10;

    private readonly HostAddress _address;
    private readonly SshWay _way;
    private readonly Lazy<SshRoute> _route;
    private volatile string? _used;
    private readonly HeldConnection<SshConnection> _connection = new(c => c.IsOpen);

    /// <summary>Names a host; nothing is connected yet.</summary>
    /// <param name="computerName">The host as the caller named it.</param>
    /// <param name="address">What that says.</param>
    /// <param name="way">How hosts are reached.</param>
    public SshTarget(string computerName, HostAddress address, SshWay way)
    {
        (ComputerName, _address, _way) = (computerName, address, way);
        _route = new Lazy<SshRoute>(() => way.RouteTo(address));
    }

    public override string ComputerName { get; }

    internal override string Way => _used ?? ComputerName;

    internal override IDisposable Hold() => _connection.Hold();

    internal override void Drop() => _connection.Drop();

    internal override IEnumerable<string> TakeWarnings() =>
        _way.Parameters.Keys.TakePassedOver().Select(key => Messages.KeyPassedOver.With(key.Path, key.Why));

    internal override Task<HostTarget?> AnewAsync(CancellationToken cancellation) =>
        Task.FromResult<HostTarget?>(_way.To(ComputerName, _address));

    internal override HostTarget Another(string name, HostAddress address) =>
        (_way with { Like = _address }).To(name, address);

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        using IDisposable held = Hold();
        bool begun = false;
        try
        {
            SshAnswer answer;
            bool isNew;
            // Root's shell, where it is sudo's, is not kept.
            if (script.CanBeAskedAgain && limits.Sudo is null)
            {
                (answer, isNew) = await AskAsync(script, limits, stop.Token).ConfigureAwait(false);
            }
            else
            {
                (SshRun started, isNew) =
                    await StartAsync(ShellLaunch.Command(script, limits.Sudo), stop.Token).ConfigureAwait(false);
                using SshRun run = started;
                begun = true;
                answer = await run.AnswerAsync(ShellLaunch.CommandInput(script, limits.Sudo), limits.MaxOutput, MaxError, limits.KillOnStop, stop.Token).ConfigureAwait(false);
            }

            return new HostAnswer(answer.Output, Encoding.UTF8.GetString(answer.Error.Span), answer.ExitCode)
            {
                OverKept = !isNew,
            };
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            _connection.Drop();
            // Before the script has begun, nothing goes on there.
            throw HostFailures.TimedOut(ComputerName, begun ? limits : limits with { KillOnStop = true });
        }
        catch (SshConfigException e)
        {
            string said = Messages.SshConfigUnusable.With(ComputerName, Untrusted.OneLine(e.Message));
            throw new HostException(ErrorIds.FileUnreadable, said, e);
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
    private async Task<(SshAnswer Answer, bool IsNew)> AskAsync(
        HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        string nonce = script.Values["NONCE"];
        (byte[] beginning, byte[] lastLine) = (FramedAnswer.Mark(nonce), FramedAnswer.LastLine(nonce));

        // It, or its host, may have gone in the meantime. A question is asked twice without harm.
        if (_connection.Open?.TakeWaiting() is { } waiting)
        {
            try
            {
                if (await AskOneAsync(waiting, script.NextQuestion()).ConfigureAwait(false) is { IsWhole: true } again)
                    return (again.Answer, false);
            }
            catch (SshFailureException e) when (e.Failure == SshFailure.Unreachable)
            {
                // The connection has ended with it, and the next one is new.
            }
        }

        (SshRun run, bool isNew) = await StartAsync(ShellLaunch.QuestionCommand, cancellation).ConfigureAwait(false);
        (SshAnswer answer, _) = await AskOneAsync(run, ShellLaunch.FirstQuestion(script)).ConfigureAwait(false);
        return (answer, isNew);

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
    private async Task<(SshRun Run, bool IsNew)> StartAsync(string command, CancellationToken cancellation)
    {
        while (true)
        {
            (SshConnection connection, bool isNew) =
                await _connection.GetAsync(OpenAsync, cancellation).ConfigureAwait(false);
            if (isNew)
                return (await connection.StartAsync(command, cancellation).ConfigureAwait(false), true);

            using var proof = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            proof.CancelAfter(SshRun.SignOfLife);
            try
            {
                return (await connection.StartAsync(command, proof.Token).ConfigureAwait(false), false);
            }
            catch (Exception e) when (e is SshFailureException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                _connection.Drop();
            }
        }
    }

    private async Task<SshConnection> OpenAsync(CancellationToken cancellation)
    {
        SshRoute route = _route.Value;
        // Until it is open, that is all that can be told of it.
        _used = SshWords.WayOf(route);
        SshConnection connection =
            await SshConnection.OpenAsync(route.Server, route.Access, cancellation).ConfigureAwait(false);
        _used = SshWords.WayOf(connection);
        return connection;
    }
}
