using System.Management.Automation;
using System.Text;
using NatDsa.Boot;
using NatDsa.Change;
using NatDsa.Probe;
using NatDsa.Repair;
using NatDsa.Resources;
using NatDsa.Targets;

namespace NatDsa.Cmdlets;

/// <summary>Brings the NAT of a host back and keeps the agent from erasing it again.</summary>
[Cmdlet(VerbsDiagnostic.Repair, "DsaNatHost", DefaultParameterSetName = LocalSet, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(RepairResult))]
public sealed class RepairDsaNatHost : TransactionCmdlet
{
    private RepairOptions _options = new();

    /// <summary>
    /// A file on this machine, in the format of <c>iptables-save</c>, to load instead of the rules that the host has
    /// persisted, and to persist there. Where all of its source NAT runs already, it is not loaded.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? RulesPath { get; set; }

    /// <summary>
    /// A host behind the NAT: the repair counts as done only when its request is answered. A session, an object of this
    /// module, or <c>[user@]host[:port]</c>, reached with PowerShell remoting over SSH.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(HostNameCompleter))]
    public object? VerifyFrom { get; set; }

    /// <summary>What that host asks for.</summary>
    [Parameter]
    [ValidateNotNull]
    [HttpUri]
    public Uri VerifyUri { get; set; } = EgressRequest.DefaultUri;

    /// <summary>
    /// Seconds that rules, once loaded, wait for a new connection to the host. Comes none, they lock their sender out, and the host takes
    /// them back by itself.
    /// </summary>
    [Parameter]
    [ValidateRange(5, 3600)]
    public int RollbackSec { get; set; } = 60;

    /// <summary>Leave the agent as it is: the marker counts from its next start.</summary>
    [Parameter]
    public SwitchParameter SkipAgentRestart { get; set; }

    /// <summary>
    /// Load the rules of -RulesPath where all of their source NAT runs already, where a firewall owns the rules, and
    /// where no service would load them at boot, too; and rules over those of an owner that nothing has make them
    /// again.
    /// </summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>
    /// Undo the whole repair when the agent does not come up, where nothing may pass a host that it does not protect.
    /// Without this, NAT stays.
    /// </summary>
    [Parameter]
    public SwitchParameter UndoOnAgentFailure { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        // What is wrong with the parameters is said before any host is touched.
        if (VerifyFrom is not null)
            CheckOther(VerifyFrom, nameof(VerifyFrom));
        string? rules = RulesPath is null ? null : ReadRules(RulesPath);
        _options = new RepairOptions(rules, RulesPath, SkipAgentRestart, Force, UndoOnAgentFailure);
    }

    private protected override (string Question, string Caption) Confirmation => (Messages.RepairQuestion, Messages.RepairCaption);

    // Undoing starts the agent once more.
    private protected override ChangeLimits Limits => base.Limits with
    {
        Rollback = TimeSpan.FromSeconds(RollbackSec),
        Agent = UndoOnAgentFailure ? base.Limits.Agent / 2 : base.Limits.Agent,
    };

    private protected override async Task RunAsync(HostTurn turn, CancellationToken cancellation)
    {
        HostSnapshot host = await ProbeAsync(turn, ProbeSections.All | ProbeSections.Change, cancellation).ConfigureAwait(false);
        ChangeEnd? end = await WhatWasRolledBackAsync(turn, host, cancellation).ConfigureAwait(false);
        if (end is null)
        {
            RepairPlan plan = RepairPlan.For(host, _options);
            if (plan.Refusal is { ErrorId: ErrorIds.NothingToRestore } nothing && (await KeptAsync(turn, "", cancellation).ConfigureAwait(false)).Backup is { } kept)
            {
                Write(nothing with { Message = Messages.RepairOffersBackup.With(nothing.Message, kept.Id, kept.Time) }, turn);
                return;
            }

            end = await ChangeAsync(turn, plan, cancellation).ConfigureAwait(false);
            if (end is null)
                return;
        }

        var result = new RepairResult(end);
        if (VerifyFrom is not null && result.Outcome is ChangeOutcome.Done or ChangeOutcome.NothingToDo)
            result = await VerifyAsync(turn, result, cancellation).ConfigureAwait(false);
        Write(result, turn);
    }

    private async Task<RepairResult> VerifyAsync(HostTurn turn, RepairResult result, CancellationToken cancellation)
    {
        HostTarget behind = Other(VerifyFrom!, turn.Target);
        RunLimits limits = LimitsOf(turn) with { KillOnStop = true };
        TimeSpan request = TimeSpan.FromSeconds(Math.Min(15, limits.Time.TotalSeconds));
        try
        {
            HostSnapshot host = await AnswerAsync(behind, HostScripts.Egress(VerifyUri, request), limits, cancellation).ConfigureAwait(false);
            return result.With(NatEgressResult.Read(host, VerifyUri));
        }
        catch (HostException e)
        {
            // The repair is done all the same, and its result must not be lost.
            return result.Unverified(behind.ComputerName, e.Message);
        }
    }

    private string ReadRules(string path)
    {
        string file = GetUnresolvedProviderPathFromPSPath(path);
        string text;
        try
        {
            text = File.ReadAllText(file, Encoding.UTF8).ReplaceLineEndings("\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string reason = Messages.RulesPathUnusable.With(Messages.RulesFileUnreadable.With($"-RulesPath {path}", Untrusted.OneLine(e.Message)));
            ThrowTerminatingError(new HostException(ErrorIds.FileUnreadable, reason, e).ToErrorRecord(path));
            throw;
        }

        if (PersistedNat.WhyNot(text, path) is { } why)
        {
            var unusable = new HostException(ErrorIds.NothingToRestore, Messages.RulesPathUnusable.With(why));
            ThrowTerminatingError(unusable.ToErrorRecord(path));
        }


        return text;
    }
}
