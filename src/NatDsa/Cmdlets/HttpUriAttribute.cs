using System.Management.Automation;
using NatDsa.Resources;

namespace NatDsa.Cmdlets;

/// <summary>Lets an absolute http or https address pass, and nothing else.</summary>
internal sealed class HttpUriAttribute : ValidateArgumentsAttribute
{
    /// <inheritdoc/>
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        if (arguments is not Uri { IsAbsoluteUri: true, Scheme: "http" or "https", Host.Length: > 0 })
            throw new ValidationMetadataException(Messages.NotAnHttpUri.With(arguments));
    }
}

internal static class EgressRequest
{
    /// <summary>A name that stays (RFC 2606), and answers on port 80.</summary>
    public static readonly Uri DefaultUri = new("http://example.com/");
}
