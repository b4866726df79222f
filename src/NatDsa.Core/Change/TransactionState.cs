namespace NatDsa.Change;

/// <summary>How far a transaction is: the name of the file in its folder <c>state</c> (journal.sh).</summary>
internal enum TransactionState
{
    /// <summary>There is none: it was never begun, or is over and gone.</summary>
    Missing,

    /// <summary>Its steps are being carried out.</summary>
    Running,

    /// <summary>New rules are loaded, and wait for a new connection.</summary>
    Waiting,

    /// <summary>The new connection came; the steps after it are being carried out.</summary>
    Confirmed,

    /// <summary>What the people behind the host need is proven, and stays. The agent is being restarted.</summary>
    Committed,

    /// <summary>What was begun is being undone.</summary>
    Undoing,

    /// <summary>Every step was done.</summary>
    Done,

    /// <summary>A step failed, and everything was undone.</summary>
    Undone,

    /// <summary>A step failed, and not everything could be undone.</summary>
    Stuck,

    /// <summary>Nothing was begun.</summary>
    Refused,

    /// <summary>The host undid everything by itself: no new connection came in time, or the program that carried out the steps died.</summary>
    RolledBack,

    /// <summary>The same, and somebody was told of it.</summary>
    Reported,
}
