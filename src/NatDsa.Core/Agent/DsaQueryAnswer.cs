namespace NatDsa.Agent;

/// <summary>
/// The answer of <c>dsa_query -c …</c>: <c>Group.name: value</c> lines. <c>GetAgentStatus</c> opens with an index of
/// field names (<c>AgentStatus.13: agentState</c>), which holds no values and is passed over.
/// </summary>
internal sealed class DsaQueryAnswer
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public static DsaQueryAnswer Read(string text)
    {
        var answer = new DsaQueryAnswer();
        foreach (string line in text.Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
                continue;
            string name = line[..colon].Trim();
            int dot = name.LastIndexOf('.');
            bool isIndex = dot >= 0 && name.AsSpan(dot + 1) is { IsEmpty: false } last && !last.ContainsAnyExceptInRange('0', '9');
            if (dot > 0 && !isIndex)
                answer._values[name] = Untrusted.OneLine(line[(colon + 1)..]);
        }

        return answer;
    }

    /// <summary>Whether any value was read: a program that printed something else answered nothing.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>The value, null where the line is missing; a line without a value is the empty string.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);
}
