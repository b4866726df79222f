using NatDsa.Resources;
using NatDsa.Ssh;

namespace NatDsa.Targets;

/// <summary>What the SSH transport's failures are called here.</summary>
internal static class SshFailures
{
    public static HostException Of(SshFailureException e, RunLimits limits)
    {
        string said = Untrusted.OneLine(e.Message);
        return e.Failure switch
        {
            SshFailure.HostKeyUnknown => Of(ErrorIds.HostKeyUnknown, OfKey(Messages.SshHostKeyUnknown)),
            SshFailure.HostKeyChanged => Of(ErrorIds.HostKeyChanged, OfKey(Messages.SshHostKeyChanged)),
            SshFailure.HostKeyRevoked => Of(ErrorIds.HostKeyChanged, OfKey(Messages.SshHostKeyRevoked)),
            SshFailure.KnownHostsUnusable =>
                Of(ErrorIds.FileUnreadable, Messages.KnownHostsUnusable.With(e.Host, said)),
            SshFailure.NothingToLogInWith =>
                Of(ErrorIds.AuthenticationFailed, Messages.NothingToLogInWith.With(e.Host, SshWords.Of(e.Proofs))),
            SshFailure.KeyUnusable => Of(ErrorIds.FileUnreadable, Messages.KeyUnusable.With(e.Host, said)),
            SshFailure.AuthenticationFailed =>
                Of(ErrorIds.AuthenticationFailed, Messages.SshLoginRefused.With(e.Host, said, SshWords.Of(e.Proofs))),
            SshFailure.TooMuchOutput => HostFailures.TooMuchOutput(e.Host, limits.MaxOutput),
            _ => Of(ErrorIds.TargetUnreachable, Messages.TargetUnreachable.With(e.Host, said)),
        };

        string OfKey(string message) => message.With(e.Host, e.Key?.Type, e.Key?.Fingerprint, said);

        HostException Of(string id, string message) => new(id, message, e);
    }
}
