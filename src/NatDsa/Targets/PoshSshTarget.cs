using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using NatDsa.Probe;
using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>
/// A host at the other end of a session of Posh-SSH. The script runs through the session's own <c>Renci.SshNet.SshClient</c>, of
/// whatever version that is, by the names that its members have had since 2016. The session stays as it is: a command of its own is
/// made, with this module's limits of time.
/// </summary>
internal sealed class PoshSshTarget : HostTarget
{
    private const string Library = "Renci.SshNet.";
    private const string ClientType = Library + "SshClient";
    private const int MaxError = 64 << 10;

    private readonly object _client;
    private readonly object? _id;

    private PoshSshTarget(string host, object client, object? id) => (ComputerName, _client, _id) = (host, client, id);

    public override string ComputerName { get; }

    internal override string Way => Messages.WayPoshSsh.With(ComputerName);

    /// <summary>The target of a session, which is known by its shape: <c>Session</c>, an SshClient, and <c>Host</c>.</summary>
    public static PoshSshTarget? Of(object value)
    {
        if (IsOfLibrary(value))
            return null;
        PSMemberInfoCollection<PSPropertyInfo> properties = PSObject.AsPSObject(value).Properties;
        return properties["Session"]?.Value is { } client && IsClient(client)
            ? new PoshSshTarget(properties["Host"]?.Value as string ?? "", client, properties["SessionId"]?.Value)
            : null;
    }

    /// <summary>
    /// Whether an object belongs to a session without being one: a shell stream (which Posh-SSH gives a property
    /// <c>Session</c>, too), the session's client, or a session for files.
    /// </summary>
    public static bool IsPartOfSession(object value) =>
        IsOfLibrary(value)
        || (PSObject.AsPSObject(value).Properties["Session"]?.Value is { } client
            && IsOfLibrary(client)
            && !IsClient(client));

    // Through a proxy or a jump host, the way is the session's own.
    internal override Task<HostTarget?> AnewAsync(CancellationToken cancellation)
    {
        object way = Value<object>(_client, "ConnectionInfo");
        return Task.FromResult<HostTarget?>(Value<object>(way, "ProxyType").ToString() == "None"
            ? new ProvenTarget(this, stop => SshGreeting.AwaitAsync(ComputerName, Value<string>(way, "Host"), Value<int>(way, "Port"), stop))
            : null);
    }

    internal override async Task<HostAnswer> RunAsync(HostScript script, RunLimits limits, CancellationToken cancellation)
    {
        using var time = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
        object? command = null;
        bool begun = false;
        if (!Value<bool>(_client, "IsConnected"))
            throw HostFailures.SessionClosed(ComputerName, $"{_id}", RunspaceState.Closed, "New-SSHSession");
        try
        {
            bool takesInput = HasInput(script, limits.Sudo, out string text);
            command = Call(_client, "CreateCommand", text)!;
            var end = new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously);
            var started = (IAsyncResult)await Task.Factory.StartNew(
                () => Start(command, end, takesInput ? ShellLaunch.CommandInput(script, limits.Sudo) : null),
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(stop.Token).ConfigureAwait(false);
            begun = true;

            var output = new SshOutput(ComputerName, Value<Stream>(command, "OutputStream"), Value<Stream>(command, "ExtendedOutputStream"), limits.MaxOutput, MaxError);
            await output.ReadAsync(end.Task, () => Value<bool>(_client, "IsConnected"), stop.Token).ConfigureAwait(false);
            // Throws what made it end, if something did.
            Call(command, "EndExecute", started);
            SshAnswer answer = output.Answer(ExitStatus(command));
            return new HostAnswer(answer.Output, Encoding.UTF8.GetString(answer.Error.Span), answer.ExitCode);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw HostFailures.TimedOut(ComputerName, limits);
        }
        catch (SshFailureException e)
        {
            throw Lost(SshFailures.Of(e, limits));
        }
        catch (Exception e) when (IsOfTransport(e))
        {
            string message = Messages.TargetUnreachable.With(ComputerName, Untrusted.OneLine(e.Message));
            throw Lost(new HostException(ErrorIds.TargetUnreachable, message, e));
        }
        finally
        {
            // Closing a channel waits for the far side. The session stays open.
            if (command is IDisposable used)
                _ = Task.Run(() => Close(used), CancellationToken.None);
        }

        HostException Lost(HostException failure) =>
            begun && !limits.KillOnStop && failure.ErrorId == ErrorIds.TargetUnreachable ? HostFailures.ConnectionLost(failure) : failure;
    }

    private bool HasInput(HostScript script, Sudo? sudo, out string text)
    {
        bool takesInput = CommandType().GetMethod("CreateInputStream", []) is not null;
        text = (takesInput ? ShellLaunch.Command(script, sudo) : ShellLaunch.CommandWithScript(script, sudo))
            ?? throw new HostException(
                ErrorIds.SessionTooOld,
                Messages.SessionTooOld.With(ComputerName, _client.GetType().Assembly.GetName().Version));
        return takesInput;
    }

    private Type CommandType() => Method(_client, "CreateCommand", typeof(string)).ReturnType;

    private static IAsyncResult Start(object command, TaskCompletionSource<object?> end, byte[]? input)
    {
        AsyncCallback ended = _ => end.TrySetResult(null);
        var started = (IAsyncResult)Call(command, "BeginExecute", ended)!;
        if (input is not null)
        {
            using var stream = (Stream)Call(command, "CreateInputStream")!;
            stream.Write(input, 0, input.Length);
        }

        return started;
    }

    private static void Close(IDisposable command)
    {
        try
        {
            command.Dispose();
        }
        catch (Exception e) when (IsOfTransport(e))
        {
            // The connection has ended in the meantime, and the channel with it.
        }
    }

    // A number, which may be missing since 2024.
    private static int? ExitStatus(object command) =>
        command.GetType().GetProperty("ExitStatus")!.GetValue(command) is { } status ? Convert.ToInt32(status, CultureInfo.InvariantCulture) : null;

    private static bool IsOfTransport(Exception e) =>
        e is SocketException or IOException or ObjectDisposedException or InvalidOperationException
        || IsOfLibrary(e);

    private static bool IsOfLibrary(object value) =>
        value.GetType().FullName?.StartsWith(Library, StringComparison.Ordinal) == true;

    private static bool IsClient(object value)
    {
        for (Type? type = value.GetType(); type is not null; type = type.BaseType)
        {
            if (type.FullName == ClientType)
                return true;
        }

        return false;
    }

    private static T Value<T>(object target, string property) => (T)target.GetType().GetProperty(property)!.GetValue(target)!;

    private static object? Call(object target, string method, params object[] arguments)
    {
        Type[] types = [.. arguments.Select(a => a is IAsyncResult ? typeof(IAsyncResult) : a.GetType())];
        return Method(target, method, types).Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);
    }

    private static MethodInfo Method(object target, string name, params Type[] types) =>
        target.GetType().GetMethod(name, types) ?? throw new MissingMethodException(target.GetType().FullName, name);
}
