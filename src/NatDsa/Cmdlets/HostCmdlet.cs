using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Security;
using NatDsa.Privilege;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>
/// What every cmdlet that touches a host has in common: how hosts are named, and the fan-out over many of them. A derived
/// cmdlet says what it asks one host (<see cref="RunAsync"/>); results are written as hosts answer, and a host that fails
/// is one error.
/// </summary>
public abstract class HostCmdlet : PSCmdlet, IDisposable
{
    internal const string LocalSet = "Local";
    internal const string SessionSet = "Session";
    internal const string HostNameSet = "HostName";
    internal const string ComputerNameSet = "ComputerName";
    internal const string InputObjectSet = "InputObject";

    // Less than a second, in which Ctrl+C has to end.
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromMilliseconds(900);

    private readonly PipelineThread _pipeline = new();
    private readonly CancellationTokenSource _stop = new();
    private SshParameters? _ssh;
    private readonly FanOutProgress _progress;
    private int _running;
    private int _asking;

    /// <summary>Nothing runs yet.</summary>
    protected HostCmdlet() => _progress = new FanOutProgress(this);

    /// <summary>Names or addresses of hosts that need nothing but an SSH server: <c>[user@]host[:port]</c>.</summary>
    [Parameter(
        ParameterSetName = ComputerNameSet,
        Mandatory = true,
        Position = 0,
        ValueFromPipeline = true,
        ValueFromPipelineByPropertyName = true)]
    [PipedName]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostNameCompleter))]
    public string[] ComputerName { get; set; } = [];

    /// <summary>Open sessions to the hosts: PowerShell's own, or Posh-SSH's.</summary>
    [Parameter(ParameterSetName = SessionSet, Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    [HostSession]
    public HostSession[] Session { get; set; } = [];

    /// <summary>
    /// Names or addresses of hosts that have PowerShell as an SSH subsystem, as <c>New-PSSession -HostName</c> takes
    /// them.
    /// </summary>
    [Parameter(ParameterSetName = HostNameSet, Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostNameCompleter))]
    public string[] HostName { get; set; } = [];

    /// <summary>The user to log in as; ssh's own configuration decides when it is not given.</summary>
    [Parameter(ParameterSetName = HostNameSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ComputerNameSet, ValueFromPipelineByPropertyName = true)]
    public string? UserName { get; set; }

    /// <summary>The port of the SSH server; 0: ssh's own configuration decides.</summary>
    [Parameter(ParameterSetName = HostNameSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ComputerNameSet, ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, 65535)]
    public int Port { get; set; }

    /// <summary>The private key to log in with.</summary>
    [Parameter(ParameterSetName = HostNameSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ComputerNameSet, ValueFromPipelineByPropertyName = true)]
    [Alias("KeyFile", "IdentityFilePath")]
    public string? KeyFilePath { get; set; }

    /// <summary>The SSH subsystem that is PowerShell on the host: <c>powershell</c> when it is not given.</summary>
    [Parameter(ParameterSetName = HostNameSet)]
    public string? Subsystem { get; set; }

    /// <summary>Options for ssh, as <c>-o name=value</c> takes them.</summary>
    [Parameter(ParameterSetName = HostNameSet)]
    public Hashtable? Options { get; set; }

    /// <summary>Milliseconds that connecting may take; the whole time limit when it is not given.</summary>
    [Parameter(ParameterSetName = HostNameSet)]
    [ValidateRange(1, int.MaxValue)]
    public int ConnectingTimeout { get; set; }

    /// <summary>The user and the password; with -KeyFilePath, the password is the key's passphrase.</summary>
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The known_hosts file; when it is not given, those that ssh has.</summary>
    [Parameter(ParameterSetName = ComputerNameSet)]
    public string? KnownHostsPath { get; set; }

    /// <summary>Add the key of a host of which none is known to the known_hosts file.</summary>
    [Parameter(ParameterSetName = ComputerNameSet)]
    public SwitchParameter AcceptNewHostKey { get; set; }

    /// <summary>The SSH server to go through: <c>[user@]host[:port]</c>.</summary>
    [Parameter(ParameterSetName = ComputerNameSet)]
    [ArgumentCompleter(typeof(HostNameCompleter))]
    public string? JumpHost { get; set; }

    /// <summary>What another cmdlet of this module wrote: its host is reached as it was then.</summary>
    [Parameter(ParameterSetName = InputObjectSet, Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReceivedRecord]
    public HostRecord[] InputObject { get; set; } = [];

    /// <summary>How many hosts are asked at once.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    [Parameter(ParameterSetName = SessionSet)]
    [Parameter(ParameterSetName = HostNameSet)]
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Parameter(ParameterSetName = InputObjectSet)]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 32;

    /// <summary>Seconds that one host may take, from connecting to its last word.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    [Parameter(ParameterSetName = SessionSet)]
    [Parameter(ParameterSetName = HostNameSet)]
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Parameter(ParameterSetName = InputObjectSet)]
    [ValidateRange(1, 86400)]
    public int TimeoutSec { get; set; } = 60;

    /// <summary>Run as root through sudo, which must not ask for a password.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    [Parameter(ParameterSetName = SessionSet)]
    [Parameter(ParameterSetName = HostNameSet)]
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Parameter(ParameterSetName = InputObjectSet)]
    public SwitchParameter Sudo { get; set; }

    /// <summary>Run as root through sudo with this password.</summary>
    [Parameter(ParameterSetName = LocalSet)]
    [Parameter(ParameterSetName = SessionSet)]
    [Parameter(ParameterSetName = HostNameSet)]
    [Parameter(ParameterSetName = ComputerNameSet)]
    [Parameter(ParameterSetName = InputObjectSet)]
    public SecureString? SudoPassword { get; set; }

    /// <summary>Whether the cmdlet changes hosts: then a script that has begun is never cut off.</summary>
    private protected virtual bool ChangesHosts => false;

    private protected RunLimits LimitsOf(HostTurn turn) => turn.Limits with
    {
        KillOnStop = !ChangesHosts,
        Sudo = Sudo || SudoPassword is not null ? new Sudo(SudoPassword) : null,
    };

    /// <summary>Asks one host. Runs beside the others, off the pipeline's thread.</summary>
    private protected abstract Task RunAsync(HostTurn turn, CancellationToken cancellation);

    /// <summary>Adds to the error of a host what somebody else may have meant by its name.</summary>
    private protected virtual ErrorRecord WithHint(ErrorRecord error, string name) => error;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        _progress.Expect(HostCount);
        foreach ((HostTarget target, HostRecord? record) in Targets())
        {
            while (_running >= ThrottleLimit)
                RunNext();
            _running++;
            Interlocked.Increment(ref _asking);
            _ = RunOneAsync(target, record);
            _pipeline.RunPosted();
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        _progress.ExpectNoMore();
        while (_running > 0)
            RunNext();
        _progress.Complete();
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        _stop.Cancel();
        // Nor is anything left open for what comes next.
        IdleConnections.OfProcess.CloseAll();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops what still runs, and waits a moment for it: the process may end with the pipeline, and must not leave half of it behind.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        // Not disposed: what is being stopped still looks at the token, and still posts its end.
        _stop.Cancel();
        SpinWait.SpinUntil(() => Volatile.Read(ref _asking) == 0, s_stopLimit);
    }

    private int HostCount => ParameterSetName switch
    {
        SessionSet => Session.Length,
        HostNameSet => HostName.Length,
        ComputerNameSet => ComputerName.Length,
        InputObjectSet => InputObject.Length,
        _ => 1,
    };

    /// <summary>The hosts that the bound parameters name.</summary>
    private IEnumerable<(HostTarget Target, HostRecord? Record)> Targets() => ParameterSetName switch
    {
        InputObjectSet => InputObject.Where(IsOfAHost).Select(record => ((HostTarget)record.Origin!, (HostRecord?)record)),
        SessionSet => Session.Select(s => (s.Target, default(HostRecord))),
        HostNameSet => Named(HostName, RemotingTarget).Select(target => (target, default(HostRecord))),
        ComputerNameSet => Named(ComputerName, SshTarget()).Select(target => (target, default(HostRecord))),
        _ => [(new LocalTarget(), null)],
    };

    private IEnumerable<HostTarget> Named(string[] names, Func<string, HostAddress, HostTarget> target)
    {
        foreach (string name in names)
        {
            if (HostAddress.TryRead(name, out HostAddress address))
            {
                yield return target(name, address);
                continue;
            }

            var none = new HostException(ErrorIds.TargetUnreachable, PipedWords.WhyNoName(name));
            WriteError(WithHint(none.ToErrorRecord(name), name));
            _progress.End(failed: true);
        }
    }

    private Func<string, HostAddress, HostTarget> SshTarget()
    {
        _ssh ??= new SshParameters();
        return _ssh.Way(
            UserName, Port, Credential, PathOf(KeyFilePath), PathOf(KnownHostsPath), AcceptNewHostKey, JumpHost).To;
    }

    private string? PathOf(string? path) => string.IsNullOrEmpty(path) ? null : GetUnresolvedProviderPathFromPSPath(path);

    private HostNameTarget RemotingTarget(string name, HostAddress address) => new(name, address, Remoting);

    private SshRemoting Remoting => new()
    {
        UserName = UserName,
        Port = Port,
        KeyFilePath = PathOf(KeyFilePath),
        Subsystem = Subsystem,
        Options = Options,
        ConnectingTimeout = ConnectingTimeout,
    };

    private bool IsOfAHost(HostRecord record)
    {
        if (record.Origin is HostTarget)
            return true;
        string why = record is ReceivedRecord received ? received.Why : Messages.NotAHost;
        WriteFault(new Fault(ErrorIds.NotAHost, why), record);
        return false;
    }

    /// <summary>Checks that a parameter names another host: by a session, an object of this module, or <c>[user@]host[:port]</c>.</summary>
    private protected void CheckOther(object value, string parameter)
    {
        if (HostSession.Of(value) is not null)
            return;
        if (PipedWords.Bare(value) is HostRecord { Origin: HostTarget })
            return;
        if (PipedWords.Bare(value) is string name && HostAddress.TryRead(name, out _))
            return;
        var none = new HostException(ErrorIds.NotAHost, Messages.NotATarget.With(parameter, value));
        ThrowTerminatingError(none.ToErrorRecord(value));
    }

    /// <summary>The other host; one that is only named is reached as <paramref name="target"/> is.</summary>
    private protected static HostTarget Other(object value, HostTarget target) => PipedWords.Bare(value) switch
    {
        HostRecord { Origin: HostTarget origin } => origin,
        string name when HostAddress.TryRead(name, out HostAddress address) => target.Another(name, address),
        _ => HostSession.Of(value)!.Target,
    };

    private protected async Task<HostSnapshot> ProbeAsync(HostTurn turn, ProbeSections sections, CancellationToken cancellation) =>
        await AnswerAsync(turn.Target, HostScripts.Probe(sections), LimitsOf(turn) with { KillOnStop = true }, cancellation).ConfigureAwait(false);

    private protected async Task<HostSnapshot> AnswerAsync(
        HostTarget target, HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        // Nor is anybody's password the business of a host where root is not needed.
        if (script.Privilege == HostPrivilege.None)
            limits = limits with { Sudo = null };
        HostAnswer answer = await RunToldAsync(target, script, limits, cancellation).ConfigureAwait(false);
        HostSnapshot host = HostSnapshot.Read(answer.Output, script, target.ComputerName, target);
        if (host.Answer.Sections.Count == 0 && !host.Answer.IsComplete)
            throw HostFailures.NoAnswer(target.ComputerName, answer, limits.Sudo is not null);
        if (host.Kernel is not null && !host.IsLinux)
            throw HostFailures.NotLinux(target.ComputerName);
        return host;
    }

    /// <summary>Runs a script, and tells of it: what was asked, how long it took, and over which connection.</summary>
    private async Task<HostAnswer> RunToldAsync(
        HostTarget target, HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        bool? kept = null;
        bool failed = true;
        try
        {
            HostAnswer answer = await target.RunAsync(script, limits, cancellation).ConfigureAwait(false);
            (kept, failed) = (answer.OverKept, false);
            return answer;
        }
        finally
        {
            string seconds = clock.Elapsed.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture);
            string told = (failed ? Messages.RanInVain : Messages.Ran).With(
                target.ComputerName, script.Request, seconds, target.Way);
            string connection = kept is null ? "" : kept.Value ? Messages.OverKept : Messages.OverNew;
            Verbose($"{told} {connection}".TrimEnd());
        }
    }

    /// <summary>Writes a result, on the pipeline's thread.</summary>
    private protected void Write(object result) => _pipeline.Post(() => WriteObject(result, enumerateCollection: false));

    /// <summary>Writes a fault as an error, on the pipeline's thread.</summary>
    private protected void Write(Fault fault, HostTurn turn)
    {
        turn.Failed = true;
        _pipeline.Post(() => WriteFault(fault, turn.Target.ComputerName));
    }

    /// <summary>Writes to the verbose stream, on the pipeline's thread.</summary>
    private protected void Verbose(string message) => _pipeline.Post(() => WriteVerbose(message));

    /// <summary>Writes a warning, on the pipeline's thread.</summary>
    private protected void Warn(string message) => _pipeline.Post(() => WriteWarning(message));

    /// <summary>Asks something on the pipeline's thread, such as <see cref="Cmdlet.ShouldProcess(string)"/>.</summary>
    private protected Task<T> AskAsync<T>(HostTurn turn, Func<T> ask) => turn.AsideAsync(_pipeline.AskAsync(ask).WaitAsync(_stop.Token));

    private protected void WriteFault(Fault fault, object target) =>
        WriteError(new HostException(fault.ErrorId, fault.Message).ToErrorRecord(target));

    private async Task RunOneAsync(HostTarget target, HostRecord? record)
    {
        // What must be done on the pipeline's thread when the host is through. What comes after this cmdlet in the pipeline has
        // taken hold of the connection by then.
        IDisposable? held = target.Hold();
        CancellationTokenRegistration letGo = _stop.Token.UnsafeRegister(static h => ((IDisposable?)h)?.Dispose(), held);
        var turn = new HostTurn(target, TimeSpan.FromSeconds(TimeoutSec), record);
        Action? end = null;
        try
        {
            await Task.Run(() => RunAsync(turn, _stop.Token), _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (HostException e)
        {
            end = () => WriteError(WithHint(e.ToErrorRecord(target.ComputerName), target.ComputerName));
        }
        catch (PipelineStoppedException)
        {
        }
        catch (Exception e)
        {
            end = () => WriteError(ErrorCategories.ToErrorRecord(e, ErrorIds.Unexpected, target.ComputerName));
        }

        // Of a host that failed there is nothing that somebody could come back with.
        if (end is not null || _stop.IsCancellationRequested)
            target.Drop();
        Interlocked.Decrement(ref _asking);
        _pipeline.Post(() =>
        {
            _running--;
            _progress.End(failed: turn.Failed || end is not null);
            letGo.Dispose();
            held?.Dispose();
            foreach (string warning in target.TakeWarnings())
                WriteWarning(warning);
            end?.Invoke();
        });
    }

    private void RunNext()
    {
        try
        {
            _pipeline.RunNext(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
    }
}
