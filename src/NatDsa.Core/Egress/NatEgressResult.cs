using System.Globalization;
using System.Net;
using NatDsa.Probe;
using NatDsa.Resources;

namespace NatDsa;

/// <summary>Whether the internet answers a host behind the NAT: one HTTP request made on that host.</summary>
public sealed class NatEgressResult : HostRecord
{
    /// <inheritdoc/>
    public override string? ComputerName { get; init; }

    /// <summary>What was asked for.</summary>
    public required Uri Uri { get; init; }

    /// <summary>Whether any HTTP answer came, whatever its status: an answer is the proof that NAT works.</summary>
    public required bool Succeeded { get; init; }

    /// <summary>The HTTP status code of the answer, such as 301.</summary>
    public HttpStatusCode? StatusCode { get; init; }

    /// <summary>How long the request took by the host's own measure.</summary>
    public string? Duration => Took?.ToString("c", CultureInfo.InvariantCulture);

    /// <summary>The address that answered, where the tool tells it.</summary>
    public string? Address => Answerer?.ToString();

    /// <summary>What made the request: <c>curl</c>, <c>wget</c> or <c>bash</c>.</summary>
    public string? Tool { get; init; }

    /// <summary>What happened, in words.</summary>
    public required string Reason { get; init; }

    /// <summary>The time itself: <see cref="Duration"/>, as scripts see it.</summary>
    internal TimeSpan? Took { get; init; }

    /// <summary>The address itself: <see cref="Address"/>, as scripts see it.</summary>
    internal IPAddress? Answerer { get; init; }

    /// <summary>What to report as an error, when no request could be made; null when one was, whatever came of it.</summary>
    internal Fault? Fault { get; init; }

    /// <summary>What happened.</summary>
    public override string ToString() => Reason;

    internal static NatEgressResult Read(HostSnapshot host, Uri uri)
    {
        Section? section = host.Answer["egress"];
        long? status = HostSnapshot.Number(section?.Fact("status"));
        bool succeeded = status is >= 100 and <= 599;
        string name = host.ComputerName ?? "";
        string reason = succeeded
            ? Messages.EgressAnswered.With(uri, status)
            : section switch
            {
                null => Messages.EgressNotAsked,
                { TimedOut: true } => Messages.EgressTimedOut.With(uri),
                { Error.Length: > 0 } => section.Error.Split('\n')[^1],
                _ => Messages.EgressNoAnswer.With(uri, section.ExitCode),
            };
        return new NatEgressResult
        {
            ComputerName = host.ComputerName,
            Origin = host.Origin,
            Uri = uri,
            Succeeded = succeeded,
            StatusCode = succeeded ? (HttpStatusCode)status!.Value : null,
            Took = DurationOf(section),
            Answerer = IPAddress.TryParse(section?.Fact("address"), out IPAddress? address) ? address : null,
            Tool = section?.Fact("tool"),
            Reason = reason,
            Fault = section is null or { ExitCode: 127 } ? new Fault(ErrorIds.EgressFailed, Messages.EgressNotMade.With(name, reason)) : null,
        };
    }

    // curl measures itself; for the others the host's uptime is read before and after.
    private static TimeSpan? DurationOf(Section? section)
    {
        double? seconds = Seconds("seconds") ?? Seconds("ended") - Seconds("began");
        return seconds is { } value ? TimeSpan.FromSeconds(value) : null;

        double? Seconds(string fact) =>
            double.TryParse(section?.Fact(fact), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) ? number : null;
    }
}
