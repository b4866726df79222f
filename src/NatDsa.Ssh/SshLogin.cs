using System.Net;
using System.Security;

namespace NatDsa.Ssh;

/// <summary>
/// How users prove who they are: a password, or a key, or the keys that ssh would try: those of an agent, and those of
/// <c>~/.ssh</c> or of ssh's configuration.
/// </summary>
internal sealed record SshLogin
{
    // The order in which they are offered: cheap and strong first.
    private static readonly string[] s_usualNames = ["id_ed25519", "id_ecdsa", "id_rsa"];

    // To list its keys, an agent asks nobody.
    private static readonly TimeSpan s_agentLimit = TimeSpan.FromSeconds(5);

    private readonly SshKeyRing _ring;
    private readonly SecureString? _password;
    private readonly Lazy<SshKeyFile>? _named;

    /// <summary>Nothing is read before the first host is connected to.</summary>
    /// <param name="ring">The keys that were read already.</param>
    /// <param name="password">The password; with a key file, the key's passphrase; null for neither.</param>
    /// <param name="keyFile">The key's file; null: the password alone, or the keys that ssh would try.</param>
    public SshLogin(SshKeyRing ring, SecureString? password, string? keyFile)
    {
        _ring = ring;
        _password = keyFile is null ? password : null;
        if (keyFile is not null)
            _named = new(() => SshKeyFile.Read(keyFile, password is null ? null : Plain(password)));
    }

    /// <summary>
    /// The files of keys that ssh's configuration names; null: the usual ones, or the named one alone.
    /// </summary>
    public IReadOnlyList<string>? Identities { get; init; }

    /// <summary>Whether no others of the agent's keys are tried than these.</summary>
    public bool IdentitiesOnly { get; init; }

    /// <summary>Who holds keys; null: nobody.</summary>
    public SshAgent? Agent { get; init; } = SshAgent.OfEnvironment();

    /// <summary>The keys that were passed over, each told once.</summary>
    public IEnumerable<SshKeyFile> TakePassedOver() => _ring.TakePassedOver();

    /// <summary>What one login is tried with.</summary>
    /// <param name="userName">The user.</param>
    /// <param name="host">The host, as errors name it.</param>
    /// <param name="cancellation">Ends the waits for the agent, now and while the login goes on.</param>
    /// <exception cref="SshFailureException">There is nothing to log in with, or the named key is of no
    /// use.</exception>
    public async Task<SshLoginAttempt> BeginAsync(string userName, string host, CancellationToken cancellation)
    {
        var attempt = new SshLoginAttempt(cancellation);
        if (_password is { } password)
        {
            attempt.UsePassword(userName, password);
            return attempt;
        }

        SshKeyFile? named = _named?.Value;
        // Of a key that is named, the agent may hold what its file keeps to itself.
        IReadOnlyList<SshAgentKey> held = named is null || (named.Key is null && named.PublicKey is not null)
            ? await HeldAsync(attempt, cancellation).ConfigureAwait(false)
            : [];
        if (named is { Key: null } && !held.Any(k => IsOf(k, named)))
            throw new SshFailureException(SshFailure.KeyUnusable, named.Path, named.Why, named.Cause);

        // As ssh does: keys that the agent has too, then the agent's others, then the others.
        SshKeyFile[] files = Files(named);
        foreach (SshKeyFile file in files)
        {
            if (held.FirstOrDefault(k => IsOf(k, file)) is not { } key)
                continue;
            if (file.Key is { } own)
                attempt.Offer(file.Path, own);
            else
                attempt.Offer(Agent!, key);
        }

        if (named is null && !IdentitiesOnly)
        {
            foreach (SshAgentKey key in held.Where(k => !files.Any(f => IsOf(k, f))))
                attempt.Offer(Agent!, key);
        }

        foreach (SshKeyFile file in files.Where(f => !held.Any(k => IsOf(k, f))))
        {
            if (file.Key is { } key)
                attempt.Offer(file.Path, key);
            else if (file.Flaw == SshKeyFlaw.Locked)
                attempt.Note(SshProofKind.LockedKey, file.Path);
            else if (file.Flaw != SshKeyFlaw.Missing)
                attempt.Note(SshProofKind.UnusableKey, file.Path);
        }

        return attempt.UseKeys(userName)
            ? attempt
            : throw new SshFailureException(SshFailure.NothingToLogInWith, host, "") { Proofs = attempt.Proofs };
    }

    internal static string Plain(SecureString password) => new NetworkCredential("", password).Password;

    private static bool IsOf(SshAgentKey key, SshKeyFile file) =>
        file.PublicKey is { } known && known.AsSpan().SequenceEqual(key.PublicKey);

    private SshKeyFile[] Files(SshKeyFile? named)
    {
        if (Identities is { } identities)
        {
            IEnumerable<SshKeyFile> others = identities.Select(path => _ring.Of(path, isUsual: false));
            return named is null ? [.. others] : [named, .. others];
        }

        if (named is not null)
            return [named];
        return SshFolders.User is { } folder
            ? [.. s_usualNames.Select(name => _ring.Of(Path.Combine(folder, name), isUsual: true))]
            : [];
    }

    private async Task<IReadOnlyList<SshAgentKey>> HeldAsync(SshLoginAttempt attempt, CancellationToken cancellation)
    {
        if (Agent is null)
        {
            attempt.Note(SshProofKind.NoAgent);
            return [];
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_agentLimit);
        try
        {
            IReadOnlyList<SshAgentKey> keys = await Agent.KeysAsync(limit.Token).ConfigureAwait(false);
            if (keys.Count == 0)
                attempt.Note(SshProofKind.EmptyAgent);
            return keys;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            attempt.Note(SshProofKind.FailedAgent, $"{Agent.Address}: it did not answer.");
        }
        catch (IOException e) when (Agent.IsNamed)
        {
            attempt.Note(SshProofKind.FailedAgent, $"{Agent.Address}: {e.Message}");
        }
        catch (IOException)
        {
            // Nobody said that there is one.
            attempt.Note(SshProofKind.NoAgent);
        }

        return [];
    }
}
