using System.Globalization;
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
        if (ruleset.Format != RulesetFormat.ListRules || ruleset.TableList.Any(table => table.Name.Length == 0))
            throw new InvalidOperationException(Messages.WriteFormat.With(ruleset.Format));

        (Table Table, List<Stretch> Rules)[] tables =
            [.. ruleset.TableList.Select(table => (table, StretchesOf(table)))];
        // Twice the same way: once to know how long the text gets, once into the string of that length.
        var measured = new Output(default);
        Write(tables, ref measured);
        return string.Create(measured.Length, tables, static (text, tables) =>
        {
            var output = new Output(text);
            Write(tables, ref output);
        });
    }

    private static void Write((Table Table, List<Stretch> Rules)[] tables, ref Output output)
    {
        foreach ((Table table, List<Stretch> rules) in tables)
        {
            output.Append("*");
            output.Append(table.Name);
            output.Append("\n");
            foreach (Chain chain in table.Chains)
                Write(chain, ref output);
            foreach (Stretch stretch in rules)
            {
                output.Append(table.Ruleset.SourceText.AsSpan(stretch.Start, stretch.End - stretch.Start));
                output.Append("\n");
            }

            output.Append("COMMIT\n");
        }
    }

    private static void Write(Chain chain, ref Output output)
    {
        output.Append(":");
        output.Append(chain.Name);
        output.Append(" ");
        output.Append(chain.PolicyText ?? (chain.IsBuiltIn ? "ACCEPT" : "-"));
        output.Append(" [");
        output.Append(chain.Packets ?? 0);
        output.Append(":");
        output.Append(chain.Bytes ?? 0);
        output.Append("]\n");
    }

    /// <summary>Where a table's rules are in the text, chain by chain; lines that follow each other are one stretch.</summary>
    private static List<Stretch> StretchesOf(Table table)
    {
        var stretches = new List<Stretch>();
        RuleStore store = table.Ruleset.Store;
        (int start, int end) = (-1, -1);
        foreach (Chain chain in table.Chains)
        {
            int count = chain.Rules.Count;
            for (int i = 0; i < count; i++)
            {
                ref RuleRecord rule = ref store[store.RuleOf(chain.Number, i)];
                if (end < 0 || rule.Start != end + 1 || store.Text[end] != '\n')
                {
                    if (end >= 0)
                        stretches.Add(new Stretch(start, end));
                    start = rule.Start;
                }

                end = rule.Start + rule.Length;
            }
        }

        if (end >= 0)
            stretches.Add(new Stretch(start, end));
        return stretches;
    }

    /// <summary>Characters, written into a room that is large enough, or without one, only counted.</summary>
    private ref struct Output(Span<char> room)
    {
        private readonly Span<char> _room = room;

        public int Length { get; private set; }

        public void Append(scoped ReadOnlySpan<char> text)
        {
            if (!_room.IsEmpty)
                text.CopyTo(_room[Length..]);
            Length += text.Length;
        }

        public void Append(ulong number)
        {
            Span<char> digits = stackalloc char[20];
            number.TryFormat(digits, out int length, default, CultureInfo.InvariantCulture);
            Append(digits[..length]);
        }
    }

    /// <summary>A part of the text that was read, without its last line's end.</summary>
    private readonly record struct Stretch(int Start, int End);
}
