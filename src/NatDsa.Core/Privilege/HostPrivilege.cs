namespace NatDsa.Privilege;

/// <summary>What a script needs root for.</summary>
internal enum HostPrivilege
{
    /// <summary>Nothing: with sudo or without, it runs as the user who logged in.</summary>
    None,

    /// <summary>To read what only root may read.</summary>
    Read,

    /// <summary>To change the host.</summary>
    Change,
}
