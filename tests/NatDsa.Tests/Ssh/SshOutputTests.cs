using System.Text;
using NatDsa.Ssh;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>What a command writes that goes on, and comes in pieces.</summary>
public sealed class SshOutputTests
{
    private const string Answer = "a banner\n@n out host\nkernel=Linux\n@n done\n";

    private static readonly byte[] s_lastLine = "\n@n done\n"u8.ToArray();

    [Fact]
    public async Task The_last_line_is_found_wherever_it_was_cut()
    {
        for (int first = 0; first <= Answer.Length; first++)
        {
            for (int second = first; second <= Answer.Length; second++)
            {
                var stream = new PieceStream(Answer[..first], Answer[first..second], Answer[second..]);
                SshOutput output = Output(stream);
                Assert.True(await ReadAsync(output, () => output.EndsWith(s_lastLine)));
                Assert.Equal(Answer, Encoding.ASCII.GetString(output.Answer(0).Output.Span));
            }
        }
    }

    [Theory]
    [InlineData("@n ", true)]
    [InlineData("@m ", false)]
    public async Task What_shows_that_a_question_has_arrived_is_found_behind_a_greeting(string mark, bool found)
    {
        SshOutput output = Output(new PieceStream(Answer[..10], Answer[10..]));
        await ReadAsync(output, () => output.EndsWith(s_lastLine));
        Assert.Equal(found, output.HasEarly(Encoding.ASCII.GetBytes(mark)));
    }

    [Fact]
    public async Task A_command_that_ends_without_a_last_line_has_not_answered()
    {
        SshOutput output = Output(new PieceStream(Answer[..^1]));
        Assert.False(await output.ReadAsync(Task.CompletedTask, () => true, () => output.EndsWith(s_lastLine), TestContext.Current.CancellationToken));
        Assert.Equal(Answer[..^1], Encoding.ASCII.GetString(output.Answer(0).Output.Span));
    }

    private static SshOutput Output(Stream stream) => new("nat01", stream, Stream.Null, 1 << 20, 1 << 10);

    private static Task<bool> ReadAsync(SshOutput output, Func<bool> isEnough) =>
        output.ReadAsync(new TaskCompletionSource().Task, () => true, isEnough, TestContext.Current.CancellationToken);

    /// <summary>Has a piece at a time, as SSH.NET's stream has what came since it was last read.</summary>
    private sealed class PieceStream(params string[] pieces) : MemoryStream
    {
        private readonly Queue<byte[]> _pieces = new(pieces.Where(p => p.Length > 0).Select(Encoding.ASCII.GetBytes));

        public override long Length => _pieces.TryPeek(out byte[]? piece) ? piece.Length : 0;

        public override int Read(byte[] buffer, int offset, int count)
        {
            byte[] piece = _pieces.Dequeue();
            piece.CopyTo(buffer, offset);
            return piece.Length;
        }
    }
}
