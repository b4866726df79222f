using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NatDsa.Tests.Cmdlets;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Listeners that are no SSH server, or one that falls silent: whatever they do, the connection to them ends.</summary>
public sealed class SilentHostTests : IDisposable
{
    private readonly ModuleSession _module = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public SilentHostTests() => _listener.Start();

    public void Dispose()
    {
        _listener.Dispose();
        _module.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.9")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n\0\0\u0001\u0004\u0006\u0014")]
    public async Task One_that_falls_silent_costs_its_time_and_the_connection_is_closed(string said)
    {
        Task<bool> closed = AnswerAsync(said, close: false);
        ErrorRecord error = Assert.Single(_module.Run(Command(timeout: 3)).Errors);
        Assert.StartsWith("TimedOut,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.True(await closed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")]
    [InlineData("SSH-1.5-old\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n\u007f\u007f\u007f\u007fgarbage garbage garbage garbage garbage")]
    public async Task One_that_hangs_up_is_unreachable(string said)
    {
        Task answering = HangUpOnEveryoneAsync(said);
        ErrorRecord error = Assert.Single(_module.Run(Command(timeout: 60)).Errors);
        Assert.StartsWith("TargetUnreachable,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ConnectionError, error.CategoryInfo.Category);
        _listener.Stop();
        await answering.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    public async Task A_stop_ends_the_wait_and_the_connection(string said)
    {
        var heard = new TaskCompletionSource();
        Task<bool> closed = AnswerAsync(said, close: false, heard);
        Task<ModuleSession.Answer?> running = _module.RunUntilStoppedAsync(Command(timeout: 600), heard.Task);
        Assert.Null(await running.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.True(await closed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    private string Command(int timeout) =>
        $"Get-DsaAgentState -ComputerName 127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port} -TimeoutSec {timeout} -KnownHostsPath /dev/null "
        + "-Credential ([pscredential]::new('somebody', [securestring]::new()))";

    private async Task HangUpOnEveryoneAsync(string said)
    {
        try
        {
            while (true)
                await AnswerAsync(said, close: true);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped: nobody calls any more.
        }
    }

    /// <summary>Says something to whoever connects; true when the other side has then closed the connection.</summary>
    private async Task<bool> AnswerAsync(string said, bool close, TaskCompletionSource? heard = null)
    {
        using Socket socket = await _listener.AcceptSocketAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(said));
        byte[] buffer = new byte[4096];
        await socket.ReceiveAsync(buffer);
        heard?.SetResult();
        if (close)
            return false;
        try
        {
            while (await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is an end as well.
        }

        return true;
    }
}
