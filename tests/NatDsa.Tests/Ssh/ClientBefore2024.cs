#pragma warning disable IDE0130 // The namespace is what a session is known by.
namespace Renci.SshNet;
#pragma warning restore IDE0130

/// <summary>
/// SSH.NET's client with what it had up to 2023: a command cannot be given input, streams exist once it has begun, a read waits
/// for as many bytes as it is asked for, and an exit status is a number. Behind it is a real client of today, and a real sshd.
/// </summary>
public sealed class SshClient(dynamic client)
{
    public bool IsConnected => client.IsConnected;

    public dynamic ConnectionInfo => client.ConnectionInfo;

    public SshCommand CreateCommand(string commandText) => new(client.CreateCommand(commandText));

    public dynamic RunCommand(string commandText) => client.RunCommand(commandText);

    public void Disconnect() => client.Disconnect();
}

/// <inheritdoc cref="SshClient"/>
public sealed class SshCommand(dynamic command) : IDisposable
{
    private WaitingStream? _output;
    private WaitingStream? _error;

    public Stream? OutputStream => _output;

    public Stream? ExtendedOutputStream => _error;

    public int ExitStatus => command.ExitStatus ?? 0;

    public IAsyncResult BeginExecute(AsyncCallback callback)
    {
        AsyncCallback ended = result =>
        {
            _output!.HasEnded = _error!.HasEnded = true;
            callback(result);
        };
        IAsyncResult result = command.BeginExecute(ended);
        (_output, _error) = (new WaitingStream(command.OutputStream), new WaitingStream(command.ExtendedOutputStream));
        return result;
    }

    public string EndExecute(IAsyncResult asyncResult) => command.EndExecute(asyncResult);

    public void Dispose() => command.Dispose();

    private sealed class WaitingStream(Stream stream) : Stream
    {
        public bool HasEnded { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => stream.Length;

        public override long Position { get => 0; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (offset != 0)
                throw new NotSupportedException("Offsets with value of non-zero are not supported");
            if (count > stream.Length && !HasEnded)
                throw new InvalidOperationException("This read would wait, perhaps for ever.");
            return stream.Read(buffer, offset, count);
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
