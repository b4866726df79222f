using System.Management.Automation;
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
            SshFailure.HostKeyUnknown => Of(ErrorIds.HostKeyUnknown, ErrorCategory.SecurityError, Messages.SshHostKeyUnknown.With(e.Host, e.Key?.Type, e.Key?.Fingerprint, said)),
            SshFailure.HostKeyChanged => Of(ErrorIds.HostKeyChanged, ErrorCategory.SecurityError, Messages.SshHostKeyChanged.With(e.Host, e.Key?.Type, e.Key?.Fingerprint, said)),
            SshFailure.HostKeyRevoked => Of(ErrorIds.HostKeyChanged, ErrorCategory.SecurityError, Messages.SshHostKeyRevoked.With(e.Host, e.Key?.Type, e.Key?.Fingerprint, said)),
            SshFailure.KnownHostsUnusable => Of(ErrorIds.FileUnreadable, ErrorCategory.ReadError, Messages.KnownHostsUnusable.With(e.Host, said)),
            SshFailure.NothingToLogInWith => Of(ErrorIds.AuthenticationFailed, ErrorCategory.AuthenticationError, Messages.NothingToLogInWith.With(e.Host)),
            SshFailure.KeyUnusable => Of(ErrorIds.FileUnreadable, ErrorCategory.ReadError, Messages.KeyUnusable.With(e.Host, said)),
            SshFailure.AuthenticationFailed => Of(ErrorIds.AuthenticationFailed, ErrorCategory.AuthenticationError, Messages.SshLoginRefused.With(e.Host, said)),
            SshFailure.TooMuchOutput => HostFailures.TooMuchOutput(e.Host, limits.MaxOutput),
            _ => Of(ErrorIds.TargetUnreachable, ErrorCategory.ConnectionError, Messages.TargetUnreachable.With(e.Host, said)),
        };

        HostException Of(string id, ErrorCategory category, string message) => new(id, category, message, e);
    }
}
