using Xunit;

namespace NatDsa.LabTests;

/// <summary>One lab for the tests of a class, which run one after another; each begins by making the state that it is about.</summary>
public class SharedLab : IAsyncLifetime
{
    /// <summary>The PowerShell engine's own files, which it writes where it runs.</summary>
    internal static readonly string[] EngineFiles = ["/root/.cache", "/root/.local", "/root/.config", "/home/operator"];

    private readonly LabOptions _options;
    private Lab? _lab;
    private LabShell? _shell;

    /// <summary>A NAT host with the init scripts of RHEL 6, on iptables-nft.</summary>
    public SharedLab()
        : this(new LabOptions())
    {
    }

    /// <summary>Another NAT host.</summary>
    protected SharedLab(LabOptions options) => _options = options;

    /// <summary>The lab; the test is skipped on a machine that can't raise one.</summary>
    public Lab Lab
    {
        get
        {
            Assert.SkipUnless(Lab.CanBeRaised, Lab.WhyNot ?? "");
            return _lab!;
        }
    }

    /// <summary>The NAT host.</summary>
    public LabHost Nat => Lab.Nat;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (!Lab.CanBeRaised)
            return;
        _lab = await Lab.RaiseAsync(_options, TestContext.Current.CancellationToken);
        _shell = new LabShell(_lab);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _shell?.Dispose();
        if (_lab is not null)
            await _lab.DisposeAsync();
    }

    /// <summary>Runs a command of the module from this machine: see <see cref="LabShell"/>.</summary>
    public Task<LabAnswer> RunAsync(string command)
    {
        _ = Lab;
        return _shell!.RunAsync(command);
    }

    /// <inheritdoc cref="LabShell.StartAsync"/>
    public Task<LabRun> StartAsync(string command)
    {
        _ = Lab;
        return _shell!.StartAsync(command);
    }

    /// <summary>Runs a shell script on the NAT host, which must succeed.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> OnNatAsync(string script) => (await Nat.ShellAsync(script)).EnsureSucceeded().Output;

    /// <summary>The NAT host as it was when it was raised, without an agent, whatever an earlier test has done to it.</summary>
    public Task RenewAsync() => Lab.RenewAsync();

    /// <summary>Closes the sessions: an ssh that loses its host can take the engine's process down, and with it all tests.</summary>
    public void Disconnect()
    {
        _shell!.Dispose();
        _shell = new LabShell(Lab);
    }

    /// <summary>The NAT host loses its power and boots again; sessions that were open to it are new ones afterwards.</summary>
    public async Task RebootNatAsync()
    {
        _ = Lab;
        Disconnect();
        await Lab.RebootNatAsync();
    }

    /// <summary>The NAT host at the worst of the incident: agent, module on, no marker, rules gone.</summary>
    public async Task BreakAsync(string version = "9.5.3-2754.el6")
    {
        await RenewAsync();
        await Lab.BreakAsync(version);
    }

    /// <summary>Runs a command that must change nothing on the NAT host.</summary>
    /// <exception cref="InvalidOperationException">It changed something: the message says what.</exception>
    public async Task<LabAnswer> RunUnchangedAsync(string command)
    {
        var before = await Nat.SnapshotAsync();
        var answer = await RunAsync(command);
        await AssertUnchangedSinceAsync(before, answer.ToString());
        return answer;
    }

    /// <summary>Fails when the NAT host is not as it was.</summary>
    /// <param name="before">As it was.</param>
    /// <param name="said">What the command said, for the message.</param>
    /// <param name="except">Paths that may differ.</param>
    public async Task AssertUnchangedSinceAsync(LabSnapshot before, string said, params string[] except)
    {
        var difference = before.DifferenceTo(await Nat.SnapshotAsync(), [.. EngineFiles, .. except]);
        Assert.True(difference.Length == 0, $"The host has changed:\n{difference}\n{said}");
    }
}

/// <summary>A <see cref="SharedLab"/> whose NAT host has Debian's init scripts.</summary>
public sealed class SharedDebianLab() : SharedLab(new LabOptions(LabFlavor.Debian));

/// <summary>A <see cref="SharedLab"/> whose NAT host is Debian with systemd.</summary>
public sealed class SharedSystemdLab() : SharedLab(new LabOptions(LabFlavor.Systemd));

/// <summary>A <see cref="SharedLab"/> whose NAT host is like RHEL 7, with systemd.</summary>
public sealed class SharedRhel7Lab() : SharedLab(new LabOptions(LabFlavor.Rhel7));

/// <summary>A <see cref="SharedLab"/> whose NAT host is like RHEL 7, with systemd, on iptables-legacy.</summary>
public sealed class SharedRhel7LegacyLab() : SharedLab(new LabOptions(LabFlavor.Rhel7, LabBackend.Legacy));
