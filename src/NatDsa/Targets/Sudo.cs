using System.Security;

namespace NatDsa.Targets;

/// <summary>That a script runs through sudo.</summary>
/// <param name="Password">The password for it; null: <c>sudo -n</c>, which never asks.</param>
internal sealed record Sudo(SecureString? Password);
