using System.Diagnostics;
using System.Globalization;

namespace NatDsa.LabTests;

/// <summary>One host of a lab.</summary>
public sealed class LabHost
{
    private readonly Lab _lab;

    internal LabHost(Lab lab, string name, string address, int processId)
    {
        _lab = lab;
        ProcessId = processId;
        Name = name;
        Address = address;
    }

    /// <summary><c>nat</c>, <c>client</c> or <c>internet</c>.</summary>
    public string Name { get; }

    /// <summary>The loopback address at which this machine reaches its sshd, on <see cref="Lab.Port"/>.</summary>
    public string Address { get; }

    // PID 1 of the host, as this machine counts; another one after a reboot.
    internal int ProcessId { get; set; }

    /// <summary>Runs a program inside the host, as root, without ssh.</summary>
    /// <exception cref="TimeoutException">It was still running at the limit (60 s); it has been killed.</exception>
    public Task<LabResult> ExecAsync(params string[] command) => ExecAsync(command, input: null);

    /// <inheritdoc cref="ExecAsync(string[])"/>
    public Task<LabResult> ExecAsync(
        IReadOnlyList<string> command,
        string? input,
        TimeSpan? timeLimit = null) =>
        LabCommand.RunAsync(Inside(command), input, timeLimit, _lab.Cancellation);

    /// <summary>Runs a POSIX shell script inside the host, as root, without ssh.</summary>
    public Task<LabResult> ShellAsync(
        string script,
        TimeSpan? timeLimit = null) =>
        ExecAsync(["/bin/sh", "-c", script], input: null, timeLimit);

    /// <summary>Waits until a condition of the shell comes true inside the host.</summary>
    /// <param name="condition">A command line, run about ten times a second.</param>
    /// <param name="seconds">How long it may take.</param>
    /// <exception cref="TimeoutException">It was not true within that time.</exception>
    public async Task UntilAsync(string condition, int seconds = 60) =>
        (await ShellAsync($"until {condition}; do sleep 0.1; done", TimeSpan.FromSeconds(seconds))).EnsureSucceeded();

    /// <summary>Starts a program inside the host; the caller ends it, or the lab's end does.</summary>
    public Process Start(params string[] command) => LabCommand.Start(Inside(command));

    /// <summary>Runs a command in PowerShell inside the host, where the module's Local target is the host.</summary>
    /// <param name="command">What <c>-Command</c> gets.</param>
    /// <param name="timeLimit">How long it may take; 60 s unless told.</param>
    public Task<LabResult> PwshAsync(
        string command,
        TimeSpan? timeLimit = null) =>
        ExecAsync([LabPwsh.OnHost, .. LabPwsh.Arguments(command)], input: null, timeLimit);

    /// <summary>Runs a command over ssh.</summary>
    /// <param name="command">The command line, for the login's shell.</param>
    /// <param name="userName">root or operator.</param>
    /// <param name="timeLimit">How long it may take; 60 s unless told.</param>
    public Task<LabResult> SshAsync(
        string command,
        string userName = "root",
        TimeSpan? timeLimit = null) =>
        LabCommand.RunAsync(
            ["ssh", "-F", _lab.SshConfigPath, $"{userName}@{Address}", command],
            input: null,
            timeLimit,
            _lab.Cancellation);

    /// <summary>The text of a file; null when there is none.</summary>
    public async Task<string?> ReadFileAsync(string path)
    {
        var result = await ExecAsync("cat", path);
        return result.Succeeded ? result.Output : null;
    }

    /// <summary>Writes a file, with the mode that it has or 644.</summary>
    public async Task WriteFileAsync(string path, string text) =>
        (await ExecAsync(["tee", path], text)).EnsureSucceeded();

    /// <summary>Everything on the host that a command must leave as it is when it changes nothing.</summary>
    public async Task<LabSnapshot> SnapshotAsync()
    {
        var result = await ExecAsync("sh", Path.Combine(LabPaths.Root, "tests", "Lab", "lib", "snapshot.sh"));
        return new LabSnapshot(result.EnsureSucceeded().Output);
    }

    private List<string> Inside(IReadOnlyList<string> command) =>
    [
        "nsenter", "--target", ProcessId.ToString(CultureInfo.InvariantCulture),
        "--mount", "--net", "--uts", "--ipc", "--pid", "--", "/usr/local/sbin/lab-env", .. command,
    ];
}
