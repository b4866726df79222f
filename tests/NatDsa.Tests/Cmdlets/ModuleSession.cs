using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Cmdlets;

/// <summary>A PowerShell with the laid module imported.</summary>
internal sealed class ModuleSession : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private readonly Runspace _runspace;

    /// <summary>Imports it.</summary>
    /// <param name="asked">Who is asked; when nobody is, a question is an error.</param>
    public ModuleSession(PSHost? asked = null)
    {
        var state = InitialSessionState.CreateDefault();
        _runspace = asked is null
            ? RunspaceFactory.CreateRunspace(state)
            : RunspaceFactory.CreateRunspace(asked, state);
        _runspace.Open();
        Run("$ErrorActionPreference = 'Continue'");
        Assert.Empty(Run($"Import-Module '{Path.Combine(Repository.Module, "NatDsa.psd1")}'").Errors);
    }

    /// <summary>Runs a script; <c>$input</c> is what is piped in.</summary>
    /// <exception cref="TimeoutException">It still ran after two minutes; it has been stopped.</exception>
    public Answer Run(string script, params object[] input)
    {
        using var shell = PowerShell.Create(_runspace);
        bool isOver = false;
        using var limit = new Timer(_ =>
        {
            isOver = true;
            shell.BeginStop(null, null);
        });
        limit.Change(s_limit, Timeout.InfiniteTimeSpan);
        try
        {
            PSObject[] output = [.. shell.AddScript(script).Invoke(input)];
            return new Answer(output, [.. shell.Streams.Error], shell);
        }
        catch (PipelineStoppedException e) when (isOver)
        {
            throw new TimeoutException($"Still running after {s_limit}: {script}", e);
        }
    }

    /// <summary>Runs a script and stops it when the time has come; null when that is what ended it.</summary>
    public async Task<Answer?> RunUntilStoppedAsync(string script, Task time)
    {
        using var shell = PowerShell.Create(_runspace);
        Task<PSDataCollection<PSObject>> running = shell.AddScript(script).InvokeAsync();
        await Task.WhenAny(time, running);
        await Task.Factory.FromAsync(shell.BeginStop, shell.EndStop, null);
        try
        {
            return new Answer([.. await running], [.. shell.Streams.Error], shell);
        }
        catch (PipelineStoppedException)
        {
            return null;
        }
    }

    public void Dispose() => _runspace.Dispose();

    /// <summary>What came of a script.</summary>
    public sealed record Answer(PSObject[] Output, ErrorRecord[] Errors, PowerShell Shell)
    {
        public T Single<T>() => (T)Assert.Single(Output).BaseObject;
    }
}
