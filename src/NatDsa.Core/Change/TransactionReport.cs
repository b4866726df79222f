using NatDsa.Probe;

namespace NatDsa.Change;

/// <summary>What a host says of a transaction (transaction.sh, journal.sh).</summary>
internal sealed class TransactionReport
{
    private readonly Section? _facts;
    private readonly Section? _outcome;

    private TransactionReport(HostSnapshot host, string nonce)
    {
        Host = host;
        Journal = FramedAnswer.Read(host.Answer["journal"]?.Output ?? default, nonce);
        _facts = host.Answer["transaction"];
        // What ended before there was a journal is in the answer itself.
        _outcome = host.Answer["outcome"] ?? Journal["outcome"];
        State = Enum.GetValues<TransactionState>().FirstOrDefault(state => Word(state) == _facts?.Fact("state"));
        Steps = [.. _facts?.Facts().Where(f => f.Key == "begun").Select(f => f.Value) ?? []];
    }

    /// <summary>The answer: when the transaction is over, the host as it is now.</summary>
    public HostSnapshot Host { get; }

    /// <summary>What the steps printed.</summary>
    public FramedAnswer Journal { get; }

    /// <summary>How far it is.</summary>
    public TransactionState State { get; }

    /// <summary>The steps that were begun, by their names in steps.sh.</summary>
    public IReadOnlyList<string> Steps { get; }

    /// <summary>Its name.</summary>
    public string? Id => _facts?.Fact("id");

    /// <summary>Its folder on the host.</summary>
    public string? Folder => _facts?.Fact("folder") ?? _outcome?.Fact("folder");

    /// <summary>How it ended, in transaction.sh's word; empty when it has not.</summary>
    public string Outcome => _outcome?.Fact("outcome") ?? "";

    /// <summary>The step that failed, or that nothing could begin without.</summary>
    public string FailedStep => _outcome?.Fact("step") ?? "";

    /// <summary>
    /// Why it was undone: <c>failed</c>, <c>unconfirmed</c>, <c>died</c> or <c>hung</c>; of what was committed, why the
    /// agent is not as it should be: also <c>starting</c> or <c>erased</c>.
    /// </summary>
    public string Cause => _outcome?.Fact("cause") ?? _facts?.Fact("cause") ?? "";

    /// <summary>
    /// Whether there is nothing more to wait for: it ended before it had a folder, it is over and the host was read again, or nobody is left
    /// who could bring it to its end.
    /// </summary>
    public bool IsOver =>
        Host.Answer["outcome"] is not null
        || (_facts is not null && Host.Answer.IsComplete && (State >= TransactionState.Done || (State != TransactionState.Missing && _facts.Fact("work") == "no")));

    /// <summary>Whether there is no such transaction on the host.</summary>
    public bool IsMissing => _facts is not null && State == TransactionState.Missing;

    /// <summary>How far it is, as follow.sh takes it.</summary>
    public string Seen => $"{Word(State)}-{Steps.Count}";

    /// <summary>Reads an answer.</summary>
    /// <param name="host">The answer to the script that begins a transaction, or to the one that follows it.</param>
    /// <param name="nonce">The nonce that its journal carries.</param>
    public static TransactionReport Read(HostSnapshot host, string nonce) => new(host, nonce);

    /// <summary>The output of a step or its undoing: <c>step.rules</c>, <c>undo.rules</c>.</summary>
    public Section? this[string name] => Journal[name] ?? Host.Answer[name];

    private static string Word(TransactionState state) => state.ToString().ToLowerInvariant();
}
