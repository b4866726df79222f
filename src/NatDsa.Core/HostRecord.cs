namespace NatDsa;

/// <summary>What every object that comes from a host has in common: which host, and how it was reached.</summary>
public abstract class HostRecord
{
    // Each class has it as its first property: the order in which Export-Csv and ConvertTo-Json write them.
    /// <summary>The host's name as the caller gave it; the machine's own name for the local host; null for text and files.</summary>
    public abstract string? ComputerName { get; init; }

    /// <summary>
    /// How the host was reached, so that the next cmdlet in a pipeline reaches it the same way. It can hold a credential:
    /// PowerShell sees it as the hidden property <c>Target</c>, of which only the host's name is serialised.
    /// </summary>
    internal object? Origin { get; init; }
}
