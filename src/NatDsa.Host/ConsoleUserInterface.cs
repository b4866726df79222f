using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>
/// Where the engine writes and asks. Objects go to standard output; everything that is about them (errors, warnings, verbose
/// and debug lines, progress) goes to standard error, so that what is piped on is data alone.
/// </summary>
internal sealed class ConsoleUserInterface(Terminal terminal, bool interactive) : PSHostUserInterface
{
    private readonly Questions _questions = new(terminal);

    public override PSHostRawUserInterface RawUI { get; } = new ConsoleRawInterface();

    public override bool SupportsVirtualTerminal => terminal.UsesColour;

    public override void Write(string value) => terminal.Write(GetOutputString(value, terminal.UsesColour));

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

    public override void WriteLine(string value) => terminal.WriteLine(GetOutputString(value, terminal.UsesColour));

    public override void WriteErrorLine(string value) => WriteAside(value);

    public override void WriteWarningLine(string message) => WriteAside(FormatStyle.Warning, Messages.WarningLine.With(message));

    public override void WriteVerboseLine(string message) => WriteAside(FormatStyle.Verbose, Messages.VerboseLine.With(message));

    public override void WriteDebugLine(string message) => WriteAside(FormatStyle.Debug, Messages.DebugLine.With(message));

    public override void WriteProgress(long sourceId, ProgressRecord record) => terminal.ShowProgress(
        record.RecordType == ProgressRecordType.Completed ? null
        : record.PercentComplete >= 0 ? $"{record.Activity}: {record.StatusDescription} {record.PercentComplete}%"
        : $"{record.Activity}: {record.StatusDescription}");

    public override string ReadLine() => Ask(_questions.Line);

    public override SecureString ReadLineAsSecureString() => Ask(() => _questions.Secret());

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) =>
        Ask(() => _questions.Fields(caption, message, descriptions));

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) =>
        Ask(() => _questions.Choice(caption, message, choices, defaultChoice));

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        Ask(() => _questions.Credential(caption, message, userName));

    public override PSCredential PromptForCredential(
        string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
        PromptForCredential(caption, message, userName, targetName);

    private void WriteAside(FormatStyle style, string line) => WriteAside(GetFormatStyleString(style) + line + "\u001b[0m");

    private void WriteAside(string line) => terminal.WriteErrorLine(GetOutputString(line, terminal.UsesColourInErrors));

    private T Ask<T>(Func<T> question)
    {
        if (!interactive)
            throw new PSNotInteractiveException();
        try
        {
            return question();
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
    }
}
