using System.Diagnostics;
using System.IO.Pipes;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Security.Cryptography;
using System.Text;
using NatDsa.Resources;

namespace NatDsa.Targets;

/// <summary>
/// A PowerShell on a host, over an ssh that this process has started. PowerShell's own way prints what ssh says on
/// standard output, among what the user has asked for, and knows no more than that ssh has ended. Here PowerShell
/// speaks through a pipe, as <c>Enter-PSHostProcess</c> has it do, and what ssh says is kept for the error.
/// </summary>
internal sealed class SshRunspace : IDisposable
{
    // Closing waits for the far side, which may be dead.
    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(5);

    // A master that ssh leaves behind (ControlPersist) keeps its standard error open.
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(1);

    // What PowerShell's protocol calls an error of the far side, and the end of a session or a pipeline (PowerShell's
    // OutOfProcTransportManager.cs); the first on a line of its own, whatever ssh left unfinished.
    private const string CloseTag = "<Close ";
    private const string CloseAnswerTag = "<CloseAck ";
    private static readonly byte[] s_ended = "\n__NamedPipeError__:ssh has ended.\n"u8.ToArray();

    private readonly Process _ssh;
    private readonly SpokenWords _words;
    private readonly NamedPipeServerStream _pipe;
    private readonly string _pipeName;
    private volatile bool _hasEnded;
    private int _isClosed;

    /// <summary>What ssh leads to. Nothing is asked of it yet.</summary>
    /// <param name="ssh">A process that speaks PowerShell's protocol through its standard input and output.</param>
    public SshRunspace(Process ssh)
    {
        _ssh = ssh;
        _words = new SpokenWords(ssh.StandardError);
        // Where a name is a path, .NET has the socket there.
        string name = "natdsa-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        _pipeName = OperatingSystem.IsWindows() ? name : Path.Combine(Path.GetTempPath(), name);
        _pipe = new NamedPipeServerStream(
            _pipeName,
            PipeDirection.InOut,
            maxNumberOfServerInstances: 1,
            PipeTransmissionMode.Byte,
            PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
        var way = new NamedPipeConnectionInfo();
        // Which the PowerShell that this is compiled for does not have.
        PSObject.AsPSObject(way).Properties["CustomPipeName"].Value = _pipeName;
        Runspace = RunspaceFactory.CreateRunspace(way);
    }

    /// <summary>Where pipelines run on the host.</summary>
    public Runspace Runspace { get; }

    /// <summary>Whether it can be used, as far as is known on this side.</summary>
    public bool IsOpen => Runspace.RunspaceStateInfo.State == RunspaceState.Opened && !_hasEnded;

    /// <summary>What ssh has said so far, the last of it.</summary>
    public string Words => _words.Last;

    /// <summary>Opens it.</summary>
    /// <exception cref="RuntimeException">ssh has ended, or no PowerShell answers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. It is to be disposed of.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        _ = CarryAsync();
        // PowerShell waits for the pipe, and for the host, on its caller's thread.
        Task opening = Task.Factory.StartNew(
            Runspace.Open, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await opening.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                static t => t.Exception,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>What ssh has said last, when it has ended or is about to; empty: nothing, and it goes on.</summary>
    public async Task<string> LastWordsAsync()
    {
        Task end = Task.WhenAll(_words.Ended, _ssh.WaitForExitAsync());
        await Task.WhenAny(end, Task.Delay(s_lastWords)).ConfigureAwait(false);
        return Words is { Length: > 0 } words ? words
            : _ssh.HasExited ? Messages.SshEnded.With(_ssh.ExitCode)
            : "";
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
            _ = CloseAsync();
    }

    private async Task CloseAsync()
    {
        // One that is not open has nothing to say to the host.
        if (!IsOpen)
            _ssh.Kill();
        Task closing = Task.Factory.StartNew(
            Runspace.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAny(EndAsync(), Task.Delay(s_closeLimit)).ConfigureAwait(false);
        _ssh.Kill();
        await EndAsync().ConfigureAwait(false);
        _ssh.Dispose();

        // What PowerShell has closed ends ssh, too: the far side ends with its input.
        async Task EndAsync()
        {
            await closing.ConfigureAwait(false);
            await _ssh.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Carries what ssh says to PowerShell.</summary>
    private async Task CarryAsync()
    {
        await using (_pipe.ConfigureAwait(false))
        {
            await _pipe.WaitForConnectionAsync().ConfigureAwait(false);
            if (!OperatingSystem.IsWindows())
                File.Delete(_pipeName);
            Task talk = TalkAsync();
            try
            {
                await _ssh.StandardOutput.BaseStream.CopyToAsync(_pipe).ConfigureAwait(false);
                _hasEnded = true;
                await _pipe.WriteAsync(s_ended).ConfigureAwait(false);
            }
            catch (IOException)
            {
                // PowerShell has hung up before.
            }

            await talk.ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Carries what PowerShell says to ssh. When ssh has ended, PowerShell asks once more: to close the session. An end
    /// of the pipe instead would leave it waiting, in some of its states for ever.
    /// </summary>
    private async Task TalkAsync()
    {
        Stream input = _ssh.StandardInput.BaseStream;
        await using (input.ConfigureAwait(false))
        {
            byte[] said = new byte[32 << 10];
            string unfinished = "";
            int read;
            while ((read = await ReadAsync().ConfigureAwait(false)) > 0)
            {
                if (!_hasEnded)
                {
                    if (!await TryWriteAsync(input, said.AsMemory(0, read)).ConfigureAwait(false))
                    {
                        // One that takes nothing any more is about to end, and says why; or never answers.
                        await Task.WhenAny(_ssh.WaitForExitAsync(), Task.Delay(s_lastWords)).ConfigureAwait(false);
                        _ssh.Kill();
                    }

                    continue;
                }

                string[] lines = (unfinished + Encoding.UTF8.GetString(said, 0, read)).Split('\n');
                unfinished = lines[^1];
                foreach (string line in lines.Where(l => l.StartsWith(CloseTag, StringComparison.Ordinal)))
                {
                    byte[] answer = Encoding.UTF8.GetBytes(CloseAnswerTag + line[CloseTag.Length..] + '\n');
                    await TryWriteAsync(_pipe, answer).ConfigureAwait(false);
                }
            }

            async Task<int> ReadAsync()
            {
                try
                {
                    return await _pipe.ReadAsync(said).ConfigureAwait(false);
                }
                catch (IOException)
                {
                    return 0;
                }
            }
        }
    }

    // False: who reads there has ended.
    private static async Task<bool> TryWriteAsync(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await stream.WriteAsync(bytes).ConfigureAwait(false);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The last of what a program says, however much that is.</summary>
    private sealed class SpokenWords
    {
        private const int Kept = 4096;

        private readonly char[] _last = new char[2 * Kept];
        private int _length;

        public SpokenWords(TextReader reader) => Ended = ReadAsync(reader);

        /// <summary>Done when it has said its last.</summary>
        public Task Ended { get; }

        public string Last
        {
            get
            {
                lock (_last)
                    return new string(_last, 0, _length).Trim();
            }
        }

        private async Task ReadAsync(TextReader reader)
        {
            char[] said = new char[Kept];
            int read;
            while ((read = await reader.ReadAsync(said).ConfigureAwait(false)) > 0)
            {
                lock (_last)
                {
                    if (_length + read > _last.Length)
                    {
                        _last.AsSpan(_length - Kept, Kept).CopyTo(_last);
                        _length = Kept;
                    }

                    said.AsSpan(0, read).CopyTo(_last.AsSpan(_length));
                    _length += read;
                }
            }
        }
    }
}
