using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using NatDsa.Netfilter;
using Xunit;

namespace NatDsa.LabTests.Oracle;

/// <summary>A ruleset that the kernel has taken, and what each tool prints of it.</summary>
public sealed class LoadedRuleset
{
    // The rules are tried one by one, each with a start of iptables-restore.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    // The host's init scripts and names, and the tool under the name that the init script calls it by. Nothing is asked of a network.
    private const string PretendHost = "for own in hosts networks nsswitch.conf init.d alternatives; do mount --bind $own /etc/$own; done\n";

    private readonly string _tool;

    private LoadedRuleset(string tool) => _tool = tool;

    // iptables, ip6tables.
    private string Command => _tool.Split('-')[0];

    /// <summary>The names that some of its addresses have where it is listed without <c>-n</c>.</summary>
    public IReadOnlyDictionary<IPAddress, string> HostNames { get; private set; } = new Dictionary<IPAddress, string>();

    /// <summary>What the kernel or iptables refused, with the reason.</summary>
    public IReadOnlyList<string> Refused { get; private set; } = [];

    /// <summary>The extensions that at least one rule is loaded of.</summary>
    public IReadOnlySet<string> Covered { get; private set; } = new HashSet<string>();

    /// <summary>What was loaded.</summary>
    public string Loaded { get; private set; } = "";

    /// <summary>What iptables-save -c prints of it.</summary>
    public string Saved { get; private set; } = "";

    /// <summary>What nft prints of it as JSON; null for iptables-legacy, which nft does not see.</summary>
    public string? NftJson { get; private set; }

    /// <summary>What <c>iptables -t TABLE</c> prints with these switches, by table.</summary>
    public IReadOnlyDictionary<(string Table, string Switches), string> Listed { get; private set; } = new Dictionary<(string, string), string>();

    /// <summary>The switches that it was listed with.</summary>
    public static IReadOnlyList<string> Switches { get; } =
        ["-S", "-S -v", "-L", "-L -v", "-L --line-numbers", "-L -n", "-L -n -v", "-L -n --line-numbers", "-L -n -v -x --line-numbers"];

    /// <summary>What the init script's <c>status</c> says, by <see cref="StatusSwitches"/>.</summary>
    public IReadOnlyDictionary<string, string> Status { get; private set; } = new Dictionary<string, string>();

    /// <summary>The switches that the init script lists with: its defaults, and those of a host that speaks Japanese and has it tell all.</summary>
    public static IReadOnlyDictionary<string, string> StatusSwitches { get; } = new Dictionary<string, string>
    {
        ["-L -n --line-numbers"] = "LC_ALL=C",
        ["-L -v"] = "LC_ALL=ja_JP.UTF-8 {0}_STATUS_NUMERIC=no {0}_STATUS_VERBOSE=yes {0}_STATUS_LINENUMBERS=no",
    };

    /// <summary>Tries every known rule on this machine, and loads those that are taken, each in many variations.</summary>
    public static async Task<LoadedRuleset> LoadAsync(LabBackend backend, IpFamily family, CancellationToken cancellationToken)
    {
        string tool = (family == IpFamily.IPv4 ? "iptables" : "ip6tables") + (backend == LabBackend.Nft ? "-nft" : "-legacy");
        var loaded = new LoadedRuleset(tool);
        using var folder = new TemporaryFolder();
        IReadOnlyList<ExtensionRule> accepted = await loaded.TryAsync(Extension.RulesFor(family), folder, cancellationToken);
        loaded.Covered = accepted.Select(rule => rule.Extension).ToHashSet();
        loaded.Loaded = Extension.Ruleset(accepted, family);
        loaded.HostNames = NamesFor(await loaded.RestoreAndSaveAsync(loaded.Loaded, cancellationToken));
        await loaded.PrintAsync(folder, backend, cancellationToken);
        return loaded;
    }

    /// <summary>Loads a ruleset in a namespace of its own, and returns what iptables-save -c prints of it then.</summary>
    public async Task<string> RestoreAndSaveAsync(string ruleset, CancellationToken cancellationToken)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["rules"], ruleset, cancellationToken);
        await RunAsync(folder, $"{_tool}-restore -c <rules && {_tool}-save -c >saved", cancellationToken);
        return await File.ReadAllTextAsync(folder["saved"], cancellationToken);
    }

    private async Task<IReadOnlyList<ExtensionRule>> TryAsync(IReadOnlyList<ExtensionRule> rules, TemporaryFolder folder, CancellationToken cancellationToken)
    {
        for (int i = 0; i < rules.Count; i++)
            await File.WriteAllTextAsync(folder[$"{i:d4}.try"], $"*{rules[i].Table}\n:USERS-CHAIN - [0:0]\n-A {rules[i].Chain} {rules[i].Text}\nCOMMIT\n", cancellationToken);
        await RunAsync(folder, $"for try in *.try; do {_tool}-restore -n <$try >/dev/null 2>${{try%.try}}.error || mv ${{try%.try}}.error ${{try%.try}}.refused; done", cancellationToken);
        var accepted = new List<ExtensionRule>();
        var refused = new List<string>();
        for (int i = 0; i < rules.Count; i++)
        {
            string refusal = folder[$"{i:d4}.refused"];
            if (!File.Exists(refusal))
                accepted.Add(rules[i]);
            else
                refused.Add($"{rules[i].Extension}: {rules[i].Text}: {string.Join(' ', (await File.ReadAllTextAsync(refusal, cancellationToken)).Split('\n').Distinct()).Trim()}");
        }

        Refused = refused;
        return accepted;
    }

    private async Task PrintAsync(TemporaryFolder folder, LabBackend backend, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(folder["rules"], Loaded, cancellationToken);
        string[] tables = [.. Loaded.Split('\n').Where(line => line.StartsWith('*')).Select(line => line[1..])];
        await PrepareHostAsync(folder, cancellationToken);
        var script = new StringBuilder($"{PretendHost}{_tool}-restore -c <rules\n{_tool}-save -c >saved\n");
        foreach (string table in tables)
        {
            for (int i = 0; i < Switches.Count; i++)
                script.Append(CultureInfo.InvariantCulture, $"{_tool} -t {table} {Switches[i]} >listed.{table}.{i}\n");
        }

        foreach ((string switches, string settings) in StatusSwitches)
            script.Append(CultureInfo.InvariantCulture, $"{string.Format(CultureInfo.InvariantCulture, settings, Command.ToUpperInvariant())} sh init.d/{Command} status >'status{switches}'\n");
        if (backend == LabBackend.Nft)
            script.Append("nft -j list ruleset >nft.json\n");
        await RunAsync(folder, script.ToString(), cancellationToken);
        Saved = await File.ReadAllTextAsync(folder["saved"], cancellationToken);
        var listed = new Dictionary<(string, string), string>();
        foreach (string table in tables)
        {
            for (int i = 0; i < Switches.Count; i++)
                listed[(table, Switches[i])] = await File.ReadAllTextAsync(folder[$"listed.{table}.{i}"], cancellationToken);
        }

        Listed = listed;
        Status = StatusSwitches.Keys.ToDictionary(switches => switches, switches => File.ReadAllText(folder["status" + switches]));
        if (backend == LabBackend.Nft)
            NftJson = await File.ReadAllTextAsync(folder["nft.json"], cancellationToken);
    }

    /// <summary>Names for some of the addresses that stand in rules.</summary>
    private static Dictionary<IPAddress, string> NamesFor(string saved) => RulesetReader.Read(saved).Rules
        .SelectMany(rule => new[] { rule.SourceAddress?.Address, rule.DestinationAddress?.Address })
        .OfType<IPAddress>()
        .Distinct()
        .Where((_, number) => number % 16 == 0).Select((address, number) => (address, $"host-{number}.example.com")).ToDictionary();

    /// <summary>What the script of <see cref="PretendHost"/> puts into the place of the machine's own.</summary>
    private async Task PrepareHostAsync(TemporaryFolder folder, CancellationToken cancellationToken)
    {
        string scripts = Path.Combine(LabPaths.Root, "tests", "Lab", "hosts", "sysv", "etc", "rc.d", "init.d");
        foreach (string subfolder in (string[])["init.d", "alternatives"])
            Directory.CreateDirectory(folder[subfolder]);
        File.Copy(Path.Combine(scripts, "functions"), folder["init.d/functions"]);
        File.Copy(Path.Combine(scripts, "iptables"), folder[$"init.d/{Command}"]);
        foreach (string suffix in (string[])["", "-save"])
            File.CreateSymbolicLink(folder[$"alternatives/{Command}{suffix}"], $"/usr/sbin/{_tool}{suffix}");
        await File.WriteAllLinesAsync(folder["hosts"], HostNames.Select(host => $"{host.Key} {host.Value}"), cancellationToken);
        await File.WriteAllTextAsync(folder["networks"], "", cancellationToken);
        await File.WriteAllTextAsync(folder["nsswitch.conf"], "hosts: files\nnetworks: files\nprotocols: files\nservices: files\n", cancellationToken);
    }

    /// <summary>Runs a script in namespaces of its own for network and mounts, and with its own lock of iptables.</summary>
    private static async Task RunAsync(TemporaryFolder folder, string script, CancellationToken cancellationToken)
    {
        string prelude = $"set -e\ncd '{folder.Path}'\nexport XTABLES_LOCKFILE='{folder.Path}/lock' LC_ALL=C\n";
        (await LabCommand.RunAsync(["unshare", "--net", "--mount", "sh", "-s"], prelude + script, s_limit, cancellationToken)).EnsureSucceeded();
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("natdsa-oracle-").FullName;

        public string this[string name] => System.IO.Path.Combine(Path, name);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

/// <summary>The rulesets of the tests, each loaded once.</summary>
public sealed class LoadedRulesets
{
    private readonly ConcurrentDictionary<(LabBackend, IpFamily), Task<LoadedRuleset>> _loaded = [];

    /// <summary>The ruleset of a back end and family; the test is skipped on a machine that has no namespaces.</summary>
    public Task<LoadedRuleset> GetAsync(LabBackend backend, IpFamily family)
    {
        Assert.SkipUnless(Lab.CanBeRaised, Lab.WhyNot ?? "");
        return _loaded.GetOrAdd((backend, family), key => LoadedRuleset.LoadAsync(key.Item1, key.Item2, TestContext.Current.CancellationToken));
    }
}
