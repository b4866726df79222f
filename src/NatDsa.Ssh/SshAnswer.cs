namespace NatDsa.Ssh;

/// <summary>What a command answered.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Error">The beginning of standard error.</param>
/// <param name="ExitCode">Its exit code; -1 when a signal ended it.</param>
internal sealed record SshAnswer(ReadOnlyMemory<byte> Output, ReadOnlyMemory<byte> Error, int ExitCode);
