using System.Collections.Concurrent;

namespace NatDsa.Targets;

/// <summary>
/// The thread that a cmdlet runs on, as work on other threads sees it: PowerShell lets nobody else write objects and
/// errors or ask for confirmation. Work posts what must happen there; the cmdlet runs it in between.
/// </summary>
internal sealed class PipelineThread : IDisposable
{
    private readonly BlockingCollection<Action> _posted = [];

    /// <summary>Has something run there.</summary>
    public void Post(Action action) => _posted.Add(action);

    /// <summary>Has something run there, and waits for its result.</summary>
    public Task<T> AskAsync<T>(Func<T> ask)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                answer.SetResult(ask());
            }
            catch (Exception e)
            {
                // The pipeline is being stopped, or -ErrorAction Stop applies: both sides must know.
                answer.SetException(e);
                throw;
            }
        });
        return answer.Task;
    }

    /// <summary>Runs what was posted so far.</summary>
    public void RunPosted()
    {
        while (_posted.TryTake(out Action? action))
            action();
    }

    /// <summary>Waits for something to be posted, and runs it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while nothing was posted.</exception>
    public void RunNext(CancellationToken cancellation) => _posted.Take(cancellation)();

    public void Dispose() => _posted.Dispose();
}
