using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace NatDsa.Probe;

/// <summary>
/// A host's answer, cut into its sections (frame.sh says how they are framed). What stands outside a frame, such as a
/// login banner, is passed over; a section that has no end is not there.
/// </summary>
internal sealed class FramedAnswer
{
    // As frame.sh cuts what comes before a section's end.
    private const int MaximumError = 4000;

    private readonly Dictionary<string, Section> _sections = new(StringComparer.Ordinal);

    private FramedAnswer() { }

    /// <summary>Whether the script came to its end.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The sections, by name. A name that comes twice counts as it came last.</summary>
    public IReadOnlyDictionary<string, Section> Sections => _sections;

    /// <summary>The section of that name, or null when the host did not answer it.</summary>
    public Section? this[string name] => _sections.GetValueOrDefault(name);

    /// <summary>What each frame of a run begins with.</summary>
    /// <param name="nonce">The word that this run's frames carry.</param>
    public static byte[] Mark(string nonce) => Encoding.ASCII.GetBytes($"@{nonce} ");

    /// <summary>What a run's answer ends with, if it is whole.</summary>
    /// <param name="nonce">The word that this run's frames carry.</param>
    public static byte[] LastLine(string nonce) => Encoding.ASCII.GetBytes($"\n@{nonce} done\n");

    /// <summary>Cuts an answer.</summary>
    /// <param name="answer">What the shell wrote to standard output.</param>
    /// <param name="nonce">The word that this run's frames carry.</param>
    public static FramedAnswer Read(ReadOnlyMemory<byte> answer, string nonce)
    {
        var framed = new FramedAnswer();
        byte[] mark = Mark(nonce);
        ReadOnlyMemory<byte> output = default;
        string error = "";
        Frame open = default;
        for (int at = NextFrame(answer.Span, mark, 0); at >= 0;)
        {
            int end = answer.Span[at..].IndexOf((byte)'\n');
            if (end < 0)
                break;
            var frame = Frame.Read(answer.Span.Slice(at + mark.Length, end - mark.Length));
            int body = at + end + 1;
            int next = NextFrame(answer.Span, mark, body);

            // The line end in front of a frame belongs to the frame.
            ReadOnlyMemory<byte> content = next < 0 ? answer[body..] : answer[body..Math.Max(body, next - 1)];
            switch (frame.Kind)
            {
                case "out":
                    (open, output, error) = (frame, content, "");
                    break;
                case "err" when frame.Name == open.Name:
                    error = Error(content.Span);
                    break;
                case "err" when framed._sections.TryGetValue(frame.Name, out Section? ended):
                    framed._sections[frame.Name] = ended with { Error = Error(content.Span) };
                    break;
                case "end" when frame.Name == open.Name:
                    framed._sections[frame.Name] = new Section(frame.Name, output, error, frame.ExitCode);
                    open = default;
                    break;
                case "done":
                    framed.IsComplete = true;
                    break;
            }

            at = next;
        }

        return framed;
    }

    /// <summary>Gets a section that came and whose command succeeded.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Section? section)
    {
        section = this[name];
        return section is { ExitCode: 0 };
    }

    private static string Error(ReadOnlySpan<byte> content) => Untrusted.Lines(Encoding.UTF8.GetString(content[..Math.Min(content.Length, MaximumError)]));

    // A frame begins a line.
    private static int NextFrame(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> mark, int from)
    {
        while (from < answer.Length)
        {
            int found = answer[from..].IndexOf(mark);
            if (found < 0)
                return -1;
            int at = from + found;
            if (at == 0 || answer[at - 1] == (byte)'\n')
                return at;
            from = at + mark.Length;
        }

        return -1;
    }

    private readonly record struct Frame(string Kind, string Name, int ExitCode)
    {
        public static Frame Read(ReadOnlySpan<byte> line)
        {
            string[] words = Encoding.UTF8.GetString(line).TrimEnd('\r').Split(' ');
            return new Frame(
                words[0],
                words.Length > 1 ? words[1] : "",
                words.Length > 2 && int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out int code) ? code : 255);
        }
    }
}
