using System.Management.Automation;

namespace NatDsa.Targets;

/// <summary>A PowerShell pipeline as a task that can be cancelled, whatever its far side does.</summary>
internal static class RemotePipeline
{
    /// <summary>Runs the pipeline.</summary>
    /// <exception cref="HostException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. The pipeline is being stopped, and is not waited for.</exception>
    public static async Task<PSDataCollection<PSObject>> InvokeAsync(PowerShell pipeline, string host, CancellationToken cancellation)
    {
        var output = new PSDataCollection<PSObject>();
        Task invocation = Task.Factory.FromAsync(pipeline.BeginInvoke<PSObject, PSObject>(null, output), r => pipeline.EndInvoke(r));
        try
        {
            await invocation.WaitAsync(cancellation).ConfigureAwait(false);
            return output;
        }
        catch (OperationCanceledException)
        {
            // Stop can hang as the far side does: it is asked for, and left behind.
            pipeline.BeginStop(null, null);
            _ = invocation.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
        catch (RuntimeException e)
        {
            throw HostFailures.Connecting(host, e);
        }
    }

    /// <summary>What the pipeline complained of first.</summary>
    public static Exception FirstError(PowerShell pipeline) =>
        pipeline.Streams.Error.Count > 0
            ? pipeline.Streams.Error[0].Exception
            : new RuntimeException("The session answered nothing.");
}
