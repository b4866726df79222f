using System.Management.Automation;
using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>A command asks, and nobody is there to answer.</summary>
internal sealed class PSNotInteractiveException() : PSInvalidOperationException(Messages.NotInteractive);
