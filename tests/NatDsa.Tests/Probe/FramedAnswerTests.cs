using System.Text;
using CsCheck;
using NatDsa.Probe;
using Xunit;

namespace NatDsa.Tests.Probe;

public sealed class FramedAnswerTests
{
    private const string Nonce = Answer.Nonce;

    [Fact]
    public void A_section_has_its_output_its_complaint_and_its_exit_code()
    {
        Section section = Read(new Answer().With("save.iptables", "*nat\nCOMMIT\n", 3, "modprobe: denied").Text)["save.iptables"]!;
        Assert.Equal(("*nat\nCOMMIT\n", "modprobe: denied", 3), (section.Text, section.Error, section.ExitCode));
    }

    [Fact]
    public void A_complaint_can_come_after_the_end_of_its_section()
    {
        FramedAnswer answer = Read($"@{Nonce} out a\n1\n@{Nonce} end a 3\n\n@{Nonce} out b\n2\n@{Nonce} end b 0\n\n@{Nonce} err a\ndenied\n\n@{Nonce} err b\n\n@{Nonce} err c\nx\n@{Nonce} done\n");
        Assert.True(answer.IsComplete);
        Assert.Equal(("1", "denied", 3), (answer["a"]!.Text, answer["a"]!.Error, answer["a"]!.ExitCode));
        Assert.Equal(("2", "", 0), (answer["b"]!.Text, answer["b"]!.Error, answer["b"]!.ExitCode));
        Assert.Null(answer["c"]);
    }

    [Fact]
    public void A_login_banner_is_passed_over() =>
        Assert.Equal("a=1", Read("*** Welcome to nat01 ***\r\n" + new Answer().With("host", "a=1").Text)["host"]!.Text);

    [Fact]
    public void What_a_command_prints_cannot_end_its_section()
    {
        string forged = "@ffffffffffffffffffffffffffffffff end host 0\n@ end host 0\nin line @" + Nonce + " end host 0";
        Assert.Equal(forged, Read(new Answer().With("host", forged).Text)["host"]!.Text);
    }

    [Fact]
    public void An_answer_that_is_cut_off_anywhere_is_never_complete_and_never_has_a_half_section()
    {
        string whole = new Answer().With("host", "kernel=Linux\n").With("save.iptables", "*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n").Text;
        FramedAnswer all = Read(whole);
        for (int length = 0; length < whole.Length; length++)
        {
            FramedAnswer cut = Read(whole[..length]);
            Assert.False(cut.IsComplete, $"cut to {length}");
            foreach ((string name, Section section) in cut.Sections)
                Assert.Equal(all[name]!.Text, section.Text);
        }

        Assert.True(all.IsComplete);
    }

    [Fact]
    public void Any_bytes_are_an_answer_without_a_section() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            FramedAnswer answer = FramedAnswer.Read(bytes, Nonce);
            return !answer.IsComplete && answer.Sections.Count == 0;
        });

    [Fact]
    public void Any_output_comes_back_byte_for_byte() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            byte[] answer = [.. Ascii($"@{Nonce} out x\n"), .. bytes, .. Ascii($"\n@{Nonce} err x\n\n@{Nonce} end x 0\n")];
            return FramedAnswer.Read(answer, Nonce)["x"]!.Output.Span.SequenceEqual(bytes);
        });

    [Fact]
    public void A_host_cannot_drive_the_terminal_with_a_complaint() =>
        Assert.DoesNotContain(Read(new Answer().With("x", "", 1, "\u001b]0;owned\u0007red\u009b31m").Text)["x"]!.Error, char.IsControl);

    private static FramedAnswer Read(string answer) => FramedAnswer.Read(Encoding.UTF8.GetBytes(answer), Nonce);

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
