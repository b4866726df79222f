namespace NatDsa;

/// <summary>How a change of a host ended.</summary>
public enum ChangeOutcome
{
    /// <summary>The host was as it should be: nothing was changed.</summary>
    NothingToDo,

    /// <summary>Every step was done and verified.</summary>
    Done,

    /// <summary>
    /// The steps were done, but what they are for is not proven, or not all of it; or the agent does not run: the
    /// reason says what is missing.
    /// </summary>
    Incomplete,

    /// <summary>A step failed, and the host was put back as it was.</summary>
    Undone,

    /// <summary>
    /// The host took everything back by itself: no new connection came in time after rules were loaded, or the program that carried out
    /// the steps died. It is as it was.
    /// </summary>
    RolledBack,

    /// <summary>A step failed, and not all of it could be undone: the steps say what is left.</summary>
    Stuck,

    /// <summary>Nothing was changed, because a check failed first.</summary>
    Refused,
}
