using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>What the SSH transport did, in words.</summary>
internal static class SshWords
{
    /// <summary>A connection: whom it leads to, through whom, and with what the login came about.</summary>
    public static string WayOf(SshConnection connection) => connection.Accepted is { } proof
        ? Messages.WaySshLogin.With(ServersOf(connection), Of(proof))
        : Messages.WaySsh.With(ServersOf(connection));

    /// <summary>One that is not there yet.</summary>
    public static string WayOf(SshRoute route) => Messages.WaySsh.With(ServersOf(route));

    /// <summary>What a login was tried with, and after that, what was missing.</summary>
    public static string Of(IReadOnlyList<SshProof> proofs) =>
        string.Join(", ", proofs.OrderBy(proof => !IsTried(proof.Kind)).Select(Of));

    private static string ServersOf(SshConnection connection) => connection.JumpHost is { } jump
        ? Messages.WayThrough.With(connection.Server, ServersOf(jump))
        : connection.Server.ToString();

    private static string ServersOf(SshRoute route) => route.Access.JumpHost is { } jump
        ? Messages.WayThrough.With(route.Server, ServersOf(jump))
        : route.Server.ToString();

    private static bool IsTried(SshProofKind kind) =>
        kind is SshProofKind.Key or SshProofKind.AgentKey or SshProofKind.Password;

    private static string Of(SshProof proof) => Text(proof.Kind).With(Untrusted.OneLine(proof.Name));

    private static string Text(SshProofKind kind) => kind switch
    {
        SshProofKind.Key => Messages.SshProofKey,
        SshProofKind.AgentKey => Messages.SshProofAgentKey,
        SshProofKind.Password => Messages.SshProofPassword,
        SshProofKind.LockedKey => Messages.SshProofLockedKey,
        SshProofKind.UnusableKey => Messages.SshProofUnusableKey,
        SshProofKind.NoAgent => Messages.SshProofNoAgent,
        SshProofKind.EmptyAgent => Messages.SshProofEmptyAgent,
        _ => Messages.SshProofFailedAgent,
    };
}
