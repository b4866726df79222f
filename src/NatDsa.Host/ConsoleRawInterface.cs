using System.Management.Automation.Host;

namespace NatDsa.Host;

/// <summary>The terminal as a grid: its size. It is not drawn on, so that there is no buffer to read or scroll.</summary>
internal sealed class ConsoleRawInterface : PSHostRawUserInterface
{
    public override Size BufferSize
    {
        get => new(Terminal.Width, Terminal.Height);
        set => throw NotDrawnOn();
    }

    public override Size WindowSize
    {
        get => BufferSize;
        set => throw NotDrawnOn();
    }

    public override Size MaxWindowSize => BufferSize;

    public override Size MaxPhysicalWindowSize => BufferSize;

    public override Coordinates WindowPosition { get; set; }

    public override Coordinates CursorPosition { get; set; }

    public override int CursorSize { get; set; } = 25;

    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;

    public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

    public override string WindowTitle { get; set; } = "natdsa";

    public override bool KeyAvailable => false;

    public override void FlushInputBuffer()
    {
        // Lines are read, never single keys: nothing is held back.
    }

    public override KeyInfo ReadKey(ReadKeyOptions options) => throw NotDrawnOn();

    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw NotDrawnOn();

    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw NotDrawnOn();

    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw NotDrawnOn();

    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw NotDrawnOn();

    private static NotSupportedException NotDrawnOn() => new();
}
