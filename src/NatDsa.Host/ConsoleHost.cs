using System.Globalization;
using System.Management.Automation.Host;

namespace NatDsa.Host;

/// <summary>The program as the engine sees it.</summary>
internal sealed class ConsoleHost(Terminal terminal, bool interactive) : PSHost
{
    /// <summary>Set when a script said <c>exit</c>.</summary>
    public int? RequestedExitCode { get; private set; }

    /// <summary>Runs a prompt inside a running pipeline, until <c>exit</c>.</summary>
    public Action? NestedPrompt { get; set; }

    /// <summary>Ends the innermost nested prompt.</summary>
    public Action? EndNestedPrompt { get; set; }

    // The engine counts full-width characters as two columns for hosts of this name only, and scripts ask for it.
    public override string Name => "ConsoleHost";

    public override Version Version => ProductVersion.NatDsa;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override PSHostUserInterface UI { get; } = new ConsoleUserInterface(terminal, interactive);

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    public override void SetShouldExit(int exitCode) => RequestedExitCode = exitCode;

    public override void EnterNestedPrompt() =>
        (NestedPrompt ?? throw new PSNotInteractiveException()).Invoke();

    public override void ExitNestedPrompt() => EndNestedPrompt?.Invoke();

    // A native program writes to the same terminal; there is no window title or mode to give back.
    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }
}
