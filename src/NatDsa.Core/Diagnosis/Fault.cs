namespace NatDsa;

/// <summary>Why something cannot be known or done: a stable id, and what to tell the administrator.</summary>
/// <param name="ErrorId">One of <see cref="ErrorIds"/>.</param>
/// <param name="Message">What happened, on which host, and what to do next.</param>
internal sealed record Fault(string ErrorId, string Message);
