namespace NatDsa;

/// <summary>What proved, after rules were loaded, that they lock nobody out.</summary>
public enum RuleConfirmation
{
    /// <summary>No rules were loaded.</summary>
    NotNeeded,

    /// <summary>A new connection to the host was made with the rules at work. Had none come, the host would have taken them back.</summary>
    NewConnection,

    /// <summary>
    /// Over the connection that was open before, or on the host itself: there was no way to make a new one. Whether others can still log in
    /// is not proven.
    /// </summary>
    SameConnection,
}
