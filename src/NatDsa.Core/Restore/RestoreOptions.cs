namespace NatDsa.Restore;

/// <summary>What the administrator asked for.</summary>
/// <param name="SkipPersisted">Leave the persisted rules as they are.</param>
/// <param name="Force">Restore what would be refused: the backup of another host, one that was not good, over rules that others make.</param>
internal sealed record RestoreOptions(bool SkipPersisted = false, bool Force = false);
