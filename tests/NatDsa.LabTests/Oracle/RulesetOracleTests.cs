using System.Globalization;
using System.Net;
using System.Text;
using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.LabTests.Oracle;

/// <summary>iptables and nft judge what is read and written, over rules of every extension that is installed.</summary>
public sealed class RulesetOracleTests(LoadedRulesets rulesets, ITestOutputHelper output) : IClassFixture<LoadedRulesets>
{
    public static TheoryData<LabBackend, IpFamily> Loaded()
    {
        var loaded = new TheoryData<LabBackend, IpFamily>();
        foreach (LabBackend backend in Enum.GetValues<LabBackend>())
        {
            foreach (IpFamily family in Enum.GetValues<IpFamily>())
                loaded.Add(backend, family);
        }

        return loaded;
    }

    [Fact]
    public void Rules_are_known_for_every_extension_that_is_installed()
    {
        Assert.SkipUnless(Lab.CanBeRaised, Lab.WhyNot ?? "");
        Assert.Empty(Extension.Installed.Except(Extension.Known));
    }

    [Theory]
    [MemberData(nameof(Loaded))]
    public async Task A_saved_ruleset_of_every_extension_is_restored_from_what_was_written(LabBackend backend, IpFamily family)
    {
        LoadedRuleset loaded = await LoadAsync(backend, family);
        Ruleset ruleset = RulesetReader.Read(loaded.Saved);
        Assert.InRange(ruleset.Rules.Count(), 2000, int.MaxValue);

        string written = IptablesSaveWriter.Write(ruleset);
        Assert.Equal(loaded.Saved, written);
        Assert.Equal(Tables(loaded.Saved), Tables(await loaded.RestoreAndSaveAsync(written, TestContext.Current.CancellationToken)));
    }

    [Theory]
    [MemberData(nameof(Loaded))]
    public async Task A_ruleset_put_together_from_the_fields_of_its_rules_is_the_same(LabBackend backend, IpFamily family)
    {
        LoadedRuleset loaded = await LoadAsync(backend, family);
        string rebuilt = Rebuilt(RulesetReader.Read(loaded.Saved));
        Assert.Equal(Tables(loaded.Saved), Tables(await loaded.RestoreAndSaveAsync(rebuilt, TestContext.Current.CancellationToken)));
    }

    [Theory]
    [MemberData(nameof(Loaded))]
    public async Task Every_form_tells_the_same_of_it(LabBackend backend, IpFamily family)
    {
        LoadedRuleset loaded = await LoadAsync(backend, family);
        Ruleset saved = RulesetReader.Read(loaded.Saved);
        Assert.Superset(new HashSet<string> { "filter", "mangle", "nat", "raw", "security" }, saved.Tables.ToHashSet());
        Assert.NotEmpty(loaded.HostNames);
        foreach (string switches in LoadedRuleset.Switches)
        {
            var listed = new List<Ruleset>();
            foreach (Table table in saved.TableList)
            {
                Ruleset ruleset = RulesetReader.Read(loaded.Listed[(table.Name, switches)], family: table.Family);
                listed.Add(ruleset);
                AssertSame(table, Assert.Single(ruleset.TableList), switches, loaded.HostNames);
            }

            Assert.Equal(NatAssessment.Of([saved], true).Status, NatAssessment.Of(listed, true).Status);
        }

        Assert.Contains(loaded.Status.Values, text => text.StartsWith("テーブル: ", StringComparison.Ordinal));
        foreach ((string switches, string text) in loaded.Status)
        {
            Ruleset status = RulesetReader.Read(text, family: saved.Family);
            Assert.Equal((RulesetFormat.ServiceStatus, saved.TableList.Count), (status.Format, status.TableList.Count));
            foreach (Table table in saved.TableList)
            {
                Table same = Assert.Single(status.TableList, other => other.Name == table.Name);
                AssertSame(table, same, switches, loaded.HostNames);
            }
            Assert.Equal(NatAssessment.Of([saved], true).Status, NatAssessment.Of([status], true).Status);
        }

        if (loaded.NftJson is { } json)
        {
            Ruleset nft = RulesetReader.Read(json);
            foreach (Table table in saved.TableList)
            {
                Table same = Assert.Single(
                    nft.TableList,
                    other => other.Name == table.Name && other.Family == table.Family);
                AssertSame(table, same, "nft -j", loaded.HostNames);
            }
            Assert.Equal(NatAssessment.Of([saved], true).Status, NatAssessment.Of([nft], true).Status);
            Assert.Equal(
                NatAssessment.Of([saved], true).SourceNatRules.Select(rule => (rule.Chain, rule.Number)), NatAssessment.Of([nft], true).SourceNatRules.Select(rule => (rule.Chain, rule.Number)));
        }
    }

    private async Task<LoadedRuleset> LoadAsync(LabBackend backend, IpFamily family)
    {
        LoadedRuleset loaded = await rulesets.GetAsync(backend, family);
        output.WriteLine($"{loaded.Loaded.Split('\n').Count(line => line.Contains("-A "))} rules of {loaded.Covered.Count} extensions are loaded");
        foreach (string refused in loaded.Refused)
            output.WriteLine($"skipped, refused by this machine: {refused}");
        // What every kernel with netfilter has must not be among those that were passed over.
        Assert.Superset(new HashSet<string> { "xt_standard", "xt_tcp", "xt_udp", "xt_comment", "xt_conntrack", "xt_multiport", "xt_MASQUERADE", "xt_LOG" }, loaded.Covered.ToHashSet());
        return loaded;
    }

    /// <summary>Compares chains in any order, as the tools have orders of their own, and their rules in theirs.</summary>
    private static void AssertSame(Table saved, Table other, string form, IReadOnlyDictionary<IPAddress, string> names)
    {
        bool tellsAll = form == "nft -j";
        var differences = new StringBuilder();
        // iptables-nft makes a built-in chain only when a rule needs it.
        Assert.Equal(
            saved.Chains.Where(chain => !tellsAll || other.Chains.Find(chain.Name) is not null || chain.Rules.Count > 0).Select(chain => chain.Name).Order(StringComparer.Ordinal),
            other.Chains.Select(chain => chain.Name).Order(StringComparer.Ordinal));
        foreach (Chain chain in other.Chains)
        {
            Chain expected = saved.Chains.Find(chain.Name)!;
            if ((expected.IsBuiltIn, expected.Policy, expected.Hook) != (chain.IsBuiltIn, chain.Policy, chain.Hook))
                differences.AppendLine(CultureInfo.InvariantCulture, $"{form}: {saved} {chain}: policy or hook differs");
            if (expected.Rules.Count != chain.Rules.Count)
                differences.AppendLine(CultureInfo.InvariantCulture, $"{form}: {saved} {chain}: {chain.Rules.Count} rules, not {expected.Rules.Count}");
            for (int i = 0; i < Math.Min(chain.Rules.Count, expected.Rules.Count); i++)
            {
                string wanted = Shown(expected.Rules[i], form, names), found = Shown(chain.Rules[i], form, names);
                if (wanted != found)
                    differences.AppendLine(CultureInfo.InvariantCulture, $"{form}: {expected.Rules[i].Text}\n  should be: {wanted}\n  reads as:  {found}\n  from:      {chain.Rules[i].Text}");
            }
        }

        string all = differences.ToString();
        Assert.True(all.Length == 0, all.Length > 4000 ? all[..4000] + $"… and more, {all.Length} characters" : all);
    }

    /// <summary>What a form can tell of a rule, in one line.</summary>
    private static string Shown(Rule rule, string form, IReadOnlyDictionary<IPAddress, string> names)
    {
        string[] switches = form.Split(' ');
        bool isListing = switches[0] == "-L", isVerbose = switches.Contains("-v");
        var text = new StringBuilder();
        // nft has the kernel's name of a target, and not the option by which NOTRACK is told from CT.
        string? target = form == "nft -j" && rule.Target == "NOTRACK" ? "CT" : rule.Target;
        text.Append(CultureInfo.InvariantCulture, $"{rule.Number} {target}{(rule.IsGoto ? " goto" : "")} ");
        text.Append(CultureInfo.InvariantCulture, $"{rule.Protocol} {rule.Fragment} ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"from {Address(rule.SourceAddress)} to {Address(rule.DestinationAddress)}");
        if (isVerbose || !isListing)
            text.Append(CultureInfo.InvariantCulture, $" in {rule.In} out {rule.Out}");
        if (isListing && isVerbose && !switches.Contains("-x"))
            text.Append(CultureInfo.InvariantCulture, $" {Rounded(rule.Packets!.Value)} {Rounded(rule.Bytes!.Value)}");
        else if (isVerbose || form == "nft -j")
            text.Append(CultureInfo.InvariantCulture, $" {rule.Packets} {rule.Bytes}");
        return text.ToString();

        string? Address(AddressPrefix? prefix) => isListing && !switches.Contains("-n") && prefix?.Address is { } address && names.TryGetValue(address, out string? name)
            ? prefix.ToString().Replace(address.ToString(), name, StringComparison.Ordinal)
            : prefix?.ToString();
    }

    /// <summary>A counter as iptables -L -v rounds it: five digits and K, M, G, T for the thousands left away.</summary>
    private static ulong Rounded(ulong counter)
    {
        ulong unit = 1;
        if (counter > 99_999)
        {
            do
            {
                counter = (counter + 500) / 1000;
                unit *= 1000;
            }
            while (counter > 9999 && unit < 1_000_000_000_000);
        }

        return counter * unit;
    }

    /// <summary>The tables by name, as each kernel and back end has an order of its own, without the comments that tell the time.</summary>
    private static string Tables(string text) => string.Join(
        '*', string.Join('\n', text.Split('\n').Where(line => !line.StartsWith('#'))).Split("\n*").Select(table => table.Trim('*', '\n') + "\n").Order(StringComparer.Ordinal));

    /// <summary>iptables-save's form, made of what the model has and of nothing else.</summary>
    private static string Rebuilt(Ruleset ruleset)
    {
        var text = new StringBuilder();
        foreach (Table table in ruleset.TableList)
        {
            text.Append(CultureInfo.InvariantCulture, $"*{table.Name}\n");
            foreach (Chain chain in table.Chains)
                text.Append(CultureInfo.InvariantCulture, $":{chain.Name} {chain.PolicyText ?? "-"} [{chain.Packets}:{chain.Bytes}]\n");
            foreach (Rule rule in table.Rules)
                text.Append(CultureInfo.InvariantCulture, $"[{rule.Packets}:{rule.Bytes}] {string.Join(' ', Words(rule))}\n");
            text.Append("COMMIT\n");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Words(Rule rule)
    {
        yield return $"-A {rule.Chain}";
        if (rule.Source is { } source)
            yield return Negatable("-s", source.ToString());
        if (rule.Destination is { } destination)
            yield return Negatable("-d", destination.ToString());
        if (rule.In is { } from)
            yield return Negatable("-i", from.ToString());
        if (rule.Out is { } to)
            yield return Negatable("-o", to.ToString());
        if (rule.Protocol != "all")
            yield return Negatable("-p", rule.Protocol);
        if (rule.Fragment != FragmentMatch.Any)
            yield return rule.Fragment == FragmentMatch.Further ? "-f" : "! -f";
        foreach (RuleMatch match in rule.Matches)
            yield return match.ToString();
        if (rule.Target is { } target)
            yield return (rule.IsGoto ? "-g " : "-j ") + target;
        foreach (RuleOption option in rule.TargetOptions)
            yield return option.ToString();

        static string Negatable(string option, string value) => value[0] == '!' ? $"! {option} {value[1..]}" : $"{option} {value}";
    }
}
