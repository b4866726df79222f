using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace NatDsa.Targets;

/// <summary>A PowerShell pipeline as a task that can be cancelled, whatever its far side does.</summary>
internal sealed class RemotePipeline : IDisposable
{
    private readonly PowerShell _shell = PowerShell.Create();

    public RemotePipeline(Runspace runspace) => _shell.Runspace = runspace;

    /// <summary>What it runs.</summary>
    public PowerShell Commands => _shell;

    /// <summary>What it complained of first.</summary>
    public Exception FirstError =>
        _shell.Streams.Error.Count > 0
            ? _shell.Streams.Error[0].Exception
            : new RuntimeException("The session answered nothing.");

    /// <summary>Runs it.</summary>
    /// <exception cref="Exception">The connection broke: <see cref="IsBroken"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. The pipeline runs until this is disposed of.</exception>
    public async Task<PSDataCollection<PSObject>> InvokeAsync(CancellationToken cancellation)
    {
        var output = new PSDataCollection<PSObject>();
        Task? invocation = null;
        try
        {
            invocation = Task.Factory.FromAsync(_shell.BeginInvoke<PSObject, PSObject>(null, output), r => _shell.EndInvoke(r));
            await invocation.WaitAsync(cancellation).ConfigureAwait(false);
            return output;
        }
        catch (OperationCanceledException) when (invocation is not null)
        {
            _ = invocation.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>
    /// Whether an exception says that the pipeline broke; or that the session is not open any more, runs something
    /// else, or has lost its ssh and does not know it yet.
    /// </summary>
    public static bool IsBroken(Exception e) =>
        e is RuntimeException
            or InvalidRunspaceStateException
            or PSInvalidOperationException
            or IOException
            or ObjectDisposedException;

    /// <summary>Lets go of it. One that still runs is stopped in the background: that can hang as the far side does, or find its ssh gone.</summary>
    public void Dispose()
    {
        if (_shell.InvocationStateInfo.State is PSInvocationState.Running or PSInvocationState.Stopping)
            _ = Task.Factory.StartNew(_shell.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        else
            _shell.Dispose();
    }
}
