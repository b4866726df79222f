using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Security;
using System.Text.RegularExpressions;
using NatDsa.Cmdlets;

namespace NatDsa.LabTests;

/// <summary>
/// PowerShell in this process, with the module in it. A command names the hosts of a lab by splatting: <c>@nat</c> and
/// <c>@client</c> are sessions of root (<c>$client.Session</c> is the session itself), <c>@operator</c> is one of the user who is not root on the NAT host, and <c>@natSsh</c> is
/// the NAT host by its name, with PowerShell there; <c>@natPlain</c> and <c>@operatorPlain</c>, with its sshd alone. <c>$password</c> is what that user's sudo asks for.
/// </summary>
public sealed class LabShell : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);
    private static readonly string[] s_sessions = ["nat", "client", "operator"];

    private readonly Lab _lab;
    private readonly Runspace _runspace;

    /// <summary>Opens it. A session is opened when a command first names it.</summary>
    public LabShell(Lab lab)
    {
        _lab = lab;
        var state = InitialSessionState.CreateDefault();
        state.ThrowOnRunspaceOpenError = true;
        state.ImportPSModule([typeof(GetNatIptablesState).Assembly.Location]);
        state.Variables.Add(new SessionStateVariableEntry("natSsh", Remoting(lab.Nat, "root"), null));
        state.Variables.Add(new SessionStateVariableEntry("natPlain", Plain(lab.Nat, "root"), null));
        state.Variables.Add(new SessionStateVariableEntry("operatorPlain", Plain(lab.Nat, "operator"), null));
        state.Variables.Add(new SessionStateVariableEntry("password", Secret(Lab.OperatorPassword), null));
        _runspace = RunspaceFactory.CreateRunspace(state);
        _runspace.Open();
    }

    /// <summary>Runs a command to its end.</summary>
    /// <exception cref="TimeoutException">It was still running after two minutes; it has been told to stop.</exception>
    public async Task<LabAnswer> RunAsync(string command)
    {
        await using var running = await StartAsync(command);
        return await running.Answer.WaitAsync(s_limit, _lab.Cancellation);
    }

    /// <summary>Starts a command; the sessions that it names are open by then.</summary>
    public async Task<LabRun> StartAsync(string command)
    {
        foreach (var name in s_sessions.Where(name => Regex.IsMatch(command, $@"[@$]{name}\b")))
            await OpenAsync(name);
        var shell = PowerShell.Create(_runspace);
        shell.AddScript(command);
        return new LabRun(shell);
    }

    /// <summary>Closes the sessions and the runspace.</summary>
    public void Dispose() => _runspace.Dispose();

    private async Task OpenAsync(string name)
    {
        if (_runspace.SessionStateProxy.GetVariable(name) is Hashtable { Count: > 0 } open && open["Session"] is PSSession { Runspace.RunspaceStateInfo.State: RunspaceState.Opened })
            return;
        using var shell = PowerShell.Create(_runspace);
        shell.AddCommand("New-PSSession")
            .AddParameters(Remoting(name == "client" ? _lab.Client : _lab.Nat, name == "operator" ? "operator" : "root"))
            .AddParameter("ConnectingTimeout", 30_000)
            .AddParameter("ErrorAction", ActionPreference.Stop);
        var opened = await shell.InvokeAsync().WaitAsync(s_limit, _lab.Cancellation);
        _runspace.SessionStateProxy.SetVariable(name, new Hashtable { ["Session"] = opened.Single().BaseObject });
    }

    private Hashtable Remoting(LabHost host, string user) => new()
    {
        ["HostName"] = host.Address,
        ["Port"] = _lab.Port,
        ["UserName"] = user,
        ["KeyFilePath"] = _lab.KeyFilePath,
        ["Options"] = new Hashtable { ["UserKnownHostsFile"] = _lab.KnownHostsPath },
    };

    private Hashtable Plain(LabHost host, string user) => new()
    {
        ["ComputerName"] = host.Address,
        ["Port"] = _lab.Port,
        ["UserName"] = user,
        ["KeyFile"] = _lab.KeyFilePath,
        ["KnownHostsPath"] = _lab.KnownHostsPath,
    };

    private static SecureString Secret(string text)
    {
        var secret = new SecureString();
        foreach (var character in text)
            secret.AppendChar(character);
        return secret;
    }
}

/// <summary>A command that runs.</summary>
public sealed class LabRun : IAsyncDisposable
{
    private readonly PowerShell _shell;

    internal LabRun(PowerShell shell)
    {
        _shell = shell;
        Answer = RunAsync();
    }

    /// <summary>What it answers when it has ended. Errors, those that end a command too, are in the answer.</summary>
    public Task<LabAnswer> Answer { get; }

    /// <summary>Ctrl+C: returns when the command has ended.</summary>
    public Task StopAsync() => Task.Factory.FromAsync(_shell.BeginStop, _shell.EndStop, null);

    /// <summary>Stops it if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Answer.IsCompleted)
            await StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _shell.Dispose();
    }

    private async Task<LabAnswer> RunAsync()
    {
        using var output = new PSDataCollection<PSObject>();
        List<ErrorRecord> errors = [];
        var stopped = false;
        try
        {
            await _shell.InvokeAsync<PSObject, PSObject>(null, output);
        }
        catch (PipelineStoppedException)
        {
            stopped = true;
        }
        catch (RuntimeException failure)
        {
            errors.Add(failure.ErrorRecord);
        }

        errors.AddRange(_shell.Streams.Error);
        return new LabAnswer([.. output], errors, stopped);
    }
}

/// <summary>What a command answered.</summary>
/// <param name="Output">The objects that it wrote.</param>
/// <param name="Errors">Its errors.</param>
/// <param name="Stopped">Whether it was stopped.</param>
public sealed record LabAnswer(IReadOnlyList<PSObject> Output, IReadOnlyList<ErrorRecord> Errors, bool Stopped)
{
    /// <summary>The one object that it wrote, of a command that had no error.</summary>
    /// <exception cref="InvalidOperationException">There were errors, or not one object of that type.</exception>
    public T Only<T>() => Errors.Count == 0 && Output is [{ BaseObject: T one }]
        ? one
        : throw new InvalidOperationException($"Not one {typeof(T).Name} without an error: {this}");

    /// <summary>The one object that it wrote, whatever errors there were.</summary>
    public T Despite<T>() => Output is [{ BaseObject: T one }]
        ? one
        : throw new InvalidOperationException($"Not one {typeof(T).Name}: {this}");

    /// <summary>The <c>ErrorId</c> of the one error.</summary>
    /// <exception cref="InvalidOperationException">There was none, or there were several.</exception>
    public string ErrorId => Errors is [var error]
        ? error.FullyQualifiedErrorId.Split(',')[0]
        : throw new InvalidOperationException($"Not one error: {this}");

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join('\n', [$"{Output.Count} objects, {Errors.Count} errors", .. Output.Select(one => one.ToString()), .. Errors.Select(one => $"{one.FullyQualifiedErrorId}: {one}")]);
}
