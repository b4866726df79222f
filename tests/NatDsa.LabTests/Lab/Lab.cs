using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace NatDsa.LabTests;

/// <summary>
/// An internet, a NAT host and a client behind it, on this machine, in namespaces: see <c>tests/Lab/README.md</c>. Lives
/// until it is disposed of or this process ends, however it ends.
/// </summary>
public sealed partial class Lab : IAsyncDisposable
{
    private static readonly TimeSpan s_raiseLimit = TimeSpan.FromSeconds(60);
    // The first lab with systemd on a machine waits until its root file system is there.
    private static readonly TimeSpan s_prepareLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(20);

    private readonly Process _holder;
    private readonly Task<string> _errors;

    private Lab(
        LabOptions options,
        Process holder,
        Task<string> errors,
        Dictionary<string, string> raised,
        CancellationToken cancellation)
    {
        Options = options;
        Cancellation = cancellation;
        _holder = holder;
        _errors = errors;
        Id = int.Parse(raised["id"], CultureInfo.InvariantCulture);
        Port = int.Parse(raised["port"], CultureInfo.InvariantCulture);
        KeyFilePath = raised["key"];
        KnownHostsPath = raised["known_hosts"];
        SshConfigPath = raised["ssh_config"];
        Nat = Host("nat");
        Client = Host("client");
        Internet = Host("internet");

        LabHost Host(string name) =>
            new(this, name, raised[$"{name}.address"], int.Parse(raised[$"{name}.pid"], CultureInfo.InvariantCulture));
    }

    /// <summary>Whether this machine can raise labs at all; <see cref="WhyNot"/> says what is missing.</summary>
    public static bool CanBeRaised => WhyNot is null;

    /// <summary>Why this machine can't raise labs; null when it can.</summary>
    public static string? WhyNot { get; } = FindObstacle();

    /// <summary>The password of <c>operator</c>, the user on every host who is not root and may sudo.</summary>
    public const string OperatorPassword = "nat-lab";

    /// <summary>What this lab was raised with.</summary>
    public LabOptions Options { get; }

    /// <summary>What the <c>lab</c> command calls it: the process id of its holder.</summary>
    public int Id { get; }

    /// <summary>Ends every command that runs in the lab.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>The NAT host.</summary>
    public LabHost Nat { get; }

    /// <summary>The host behind the NAT.</summary>
    public LabHost Client { get; }

    /// <summary>The host with the web server.</summary>
    public LabHost Internet { get; }

    /// <summary>The port of every host's sshd.</summary>
    public int Port { get; }

    /// <summary>The private key that root and operator accept on every host.</summary>
    public string KeyFilePath { get; }

    /// <summary>The hosts' key, as known_hosts has it.</summary>
    public string KnownHostsPath { get; }

    /// <summary>An ssh_config with key, port and known hosts.</summary>
    public string SshConfigPath { get; }

    /// <summary>Raises a lab; NAT works in it.</summary>
    /// <param name="options">What it is raised with.</param>
    /// <param name="cancellationToken">The test's: ends the raising, and later every command that runs in the lab.</param>
    /// <exception cref="InvalidOperationException">It could not be raised; the message has what it said.</exception>
    /// <exception cref="TimeoutException">It was not up after a minute; with systemd, which may have to be prepared first, after ten.</exception>
    public static async Task<Lab> RaiseAsync(LabOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LabOptions();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var atMost = options.OnSystemd ? s_prepareLimit : s_raiseLimit;
        limit.CancelAfter(atMost);
        var holder = LabCommand.Start([LabPaths.LabCommand, .. options.Arguments]);
        var errors = holder.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            var raised = new Dictionary<string, string>();
            while (await holder.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (line == "ready")
                    return new Lab(options, holder, errors, raised, cancellationToken);
                var equals = line.IndexOf('=', StringComparison.Ordinal);
                raised[line[..equals]] = line[(equals + 1)..];
            }

            throw new InvalidOperationException($"The lab could not be raised: {await errors}");
        }
        catch (Exception failure)
        {
            await EndAsync(holder);
            if (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new TimeoutException($"The lab was not up after {atMost}: {await errors}", failure);
            throw;
        }
    }

    /// <summary>
    /// Installs the agent's stand-in on the NAT host and starts it.
    /// </summary>
    /// <param name="version">As rpm writes it, e.g. <c>9.5.3-2754.el6</c>; its behaviour is that version's.</param>
    /// <param name="relay">Whether it is a relay, which listens on TCP 4122 too.</param>
    /// <param name="activated">Whether it belongs to a Manager.</param>
    public async Task InstallAgentAsync(string version = "9.5.3-2754.el6", bool relay = false, bool activated = true)
    {
        List<string> arguments = ["--version", version];
        if (relay)
            arguments.Add("--relay");
        if (!activated)
            arguments.Add("--not-activated");
        await AgentAsync("install", [.. arguments]);
    }

    /// <summary>Takes the agent's stand-in off the NAT host.</summary>
    public Task RemoveAgentAsync() => AgentAsync("remove");

    /// <summary>Turns a module on or off, as the Manager does; a running agent follows at once.</summary>
    /// <param name="module"><c>firewall</c> or <c>ips</c>.</param>
    /// <param name="on">Whether it is to be on.</param>
    public Task SetModuleAsync(string module, bool on) => AgentAsync("module", module, on ? "on" : "off");

    /// <summary>Makes the agent's stand-in misbehave, or behave again.</summary>
    /// <param name="name"><c>dsa-query</c>, <c>restart</c>, <c>filter-after</c>, <c>erase-after</c> or <c>marker</c>.</param>
    /// <param name="value">One of the values that <c>tests/Lab/README.md</c> lists for it.</param>
    public Task SetFaultAsync(string name, string value) => AgentAsync("fault", name, value);

    /// <summary>Restarts the agent's stand-in as an administrator, or the agent itself, would.</summary>
    public async Task RestartAgentAsync() =>
        (Options.OnSystemd
            ? await Nat.ExecAsync("systemctl", "restart", "ds_agent")
            : await Nat.ExecAsync("/etc/init.d/ds_agent", "restart")).EnsureSucceeded();

    /// <summary>Raises the NAT host's state at the worst of the incident: agent, module on, no marker, rules gone.</summary>
    public async Task BreakAsync(string version = "9.5.3-2754.el6")
    {
        await InstallAgentAsync(version);
        await SetModuleAsync("firewall", on: true);
    }

    /// <summary>
    /// The NAT host as it was raised, with whatever tests have changed put back: rules, their files, the service's settings and links,
    /// marker, backups, forwarding. The agent is taken off.
    /// </summary>
    public async Task RenewAsync() =>
        (await Nat.ExecAsync("sh", Path.Combine(LabPaths.Root, "tests", "Lab", "lib", "renew.sh"), Options.Rules)).EnsureSucceeded();

    /// <summary>
    /// The NAT host loses its power and boots again: all its processes are killed at once, connections get no goodbye, rules and <c>/run</c> are
    /// gone, and what was written to its disk is still there. Returns when it is up.
    /// </summary>
    public async Task RebootNatAsync()
    {
        var answer = (await LabCommand.RunAsync(
            [LabPaths.LabCommand, "reboot", "--lab", Id.ToString(CultureInfo.InvariantCulture)],
            timeLimit: s_raiseLimit,
            cancellationToken: Cancellation)).EnsureSucceeded().Output;
        Nat.ProcessId = int.Parse(answer.AsSpan("nat.pid=".Length), CultureInfo.InvariantCulture);
    }

    /// <summary>What the client gets from the internet: a second for the connection, ten in all.</summary>
    /// <param name="uri">The page; <c>/</c> answers 301, <c>/status/NNN</c> that status, <c>/silent</c> never.</param>
    public async Task<LabFetch> FetchAsync(string uri = "http://www.example.com/page")
    {
        var result = await Client.ExecAsync("lab-fetch", uri);
        var answer = AnswerLine().Match(result.Output);
        var status = answer.Success ? int.Parse(answer.Groups["status"].ValueSpan, CultureInfo.InvariantCulture) : 0;
        return new LabFetch(
            result.Succeeded && status > 0,
            status > 0 ? status : null,
            AnswerLine().Replace(result.Output, string.Empty),
            result.Error.Trim());
    }

    /// <summary>The addresses that the web server was asked from so far, in order: with source NAT, the NAT host's.</summary>
    public async Task<IReadOnlyList<string>> ReadVisitorsAsync()
    {
        var log = await Internet.ReadFileAsync("/var/log/lab/access.log");
        return [.. (log ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];
    }

    /// <summary>Ends the lab; when this returns, none of its processes is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync(_holder);
        await _errors;
        _holder.Dispose();
    }

    private static async Task EndAsync(Process holder)
    {
        using var limit = new CancellationTokenSource(s_endLimit);
        try
        {
            holder.StandardInput.Close();
            await holder.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // unshare dies, and by that the kernel ends the lab.
            holder.Kill();
            await holder.WaitForExitAsync(CancellationToken.None);
        }
    }

    private async Task AgentAsync(string what, params string[] arguments) =>
        (await Nat.ExecAsync(["sh", Path.Combine(LabPaths.Root, "tests", "Lab", "agent", $"{what}.sh"), .. arguments]))
        .EnsureSucceeded();

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
            return "A lab needs Linux.";
        if (!Environment.IsPrivilegedProcess)
            return "A lab needs root.";
        string[] tools = ["ip", "iptables-nft", "iptables-legacy", "nft", "netfilter-persistent", "debootstrap", "sshd", "ssh", "curl", "wget", "perl", "unshare"];
        string[] folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        var missing = tools.Where(tool => !folders.Any(folder => File.Exists(Path.Combine(folder, tool)))).ToArray();
        return missing is [] ? null : $"A lab needs {string.Join(", ", missing)}: see tests/Lab/packages.txt.";
    }

    [GeneratedRegex(@"(?<status>\d{3}) from [\d.]*\n\z")]
    private static partial Regex AnswerLine();
}

/// <summary>What the client got from the internet.</summary>
/// <param name="Answered">Whether there was any HTTP answer.</param>
/// <param name="Status">Its status code.</param>
/// <param name="Body">Its body.</param>
/// <param name="Error">What curl said when there was none.</param>
public sealed record LabFetch(bool Answered, int? Status, string Body, string Error);
