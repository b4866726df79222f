using System.Globalization;
using System.Text;
using NatDsa.Resources;

namespace NatDsa.Netfilter;

/// <summary>Writes a ruleset as iptables-save does, for iptables-restore to load.</summary>
public static class IptablesSaveWriter
{
    /// <summary>Writes a ruleset. What was read from iptables-save comes out as it was, to the last character.</summary>
    /// <exception cref="InvalidOperationException">
    /// The ruleset is partial, or a table has no name, or it is of a form that does not hold rules as commands: a listing, or nft's JSON.
    /// </exception>
    public static string Write(Ruleset ruleset)
    {
        ArgumentNullException.ThrowIfNull(ruleset);
        if (ruleset.IsPartial)
            throw new InvalidOperationException(Messages.WritePartial);
        if (ruleset.Format == RulesetFormat.IptablesSave)
            return ruleset.SourceText;
        if (ruleset.Format != RulesetFormat.ListRules || ruleset.Tables.Any(table => table.Name.Length == 0))
            throw new InvalidOperationException(Messages.WriteFormat.With(ruleset.Format));

        var text = new StringBuilder();
        foreach (Table table in ruleset.Tables)
            Write(table, text);
        return text.ToString();
    }

    private static void Write(Table table, StringBuilder text)
    {
        text.Append('*').Append(table.Name).Append('\n');
        foreach (Chain chain in table.Chains)
        {
            text.Append(
                CultureInfo.InvariantCulture, $":{chain.Name} {chain.PolicyText ?? (chain.IsBuiltIn ? "ACCEPT" : "-")} [{chain.Packets ?? 0}:{chain.Bytes ?? 0}]\n");
        }

        foreach (Rule rule in table.Rules)
            text.Append(rule.SourceText, rule.Start, rule.Length).Append('\n');
        text.Append("COMMIT\n");
    }
}
