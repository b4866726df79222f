using System.Collections;
using System.Management.Automation;
using System.Security;
using System.Text.Json;
using NatDsa.Tests.Cmdlets;
using NatDsa.Tests.Running;
using NatDsa.Tests.Ssh;
using Xunit;

namespace NatDsa.Tests.Runbooks;

/// <summary>The runbooks as they lie in <c>runbooks/</c>, against a real sshd; what an Automation account does is stood in for by functions.</summary>
public sealed class FleetRunbookTests : IClassFixture<SshHost>, IDisposable
{
    // A job runs when it is started, unless the account has another fate for it. Records are handed back as Az.Automation does: a string that
    // is JSON comes as an object, and the entry without its record has its beginning only. The runbook has variables of the same names.
    private const string Account = """
        $fates, $jobs, $stopped = @(), [ordered]@{}, [Collections.ArrayList]::new()
        function Connect-AzAccount([switch] $Identity) { if (-not $Identity) { throw 'Nobody is there to log in.' }; 'connected' }
        function Get-AutomationPSCredential([string] $Name) { $credentials[$Name] }
        function Get-AutomationVariable([string] $Name) { if ($Name -eq 'fleet') { $fleet } }
        function Start-AzAutomationRunbook($ResourceGroupName, $AutomationAccountName, [string] $Name, [string] $RunOn, [Collections.IDictionary] $Parameters) {
            if ("$ResourceGroupName/$AutomationAccountName/$Name/$RunOn" -ne 'group/account/Invoke-NatFleetChunk/workers') { throw 'Another account.' }
            $fate = $fates[$global:jobs.Count]
            $job = [pscustomobject]@{ JobId = [guid]::NewGuid(); Status = 'Completed'; Exception = ''; Inventory = $Parameters.Inventory; Parameters = $Parameters; Output = @() }
            $global:jobs["$($job.JobId)"] = $job
            switch ($fate) {
                'refused' { throw 'The account has no such group.' }
                'hung' { $job.Status = 'Running' }
                'unseen' { $job.Status = 'Unseen' }
                'silent' { }
                'noisy' { $job.Output = 'a word', '[1]', '{"ComputerName":"stranger","Status":"Healthy"}' }
                default {
                    try { $job.Output = @(& $chunkRunbook @Parameters) } catch { $job.Status, $job.Exception = 'Failed', $_.Exception.Message }
                    if ($fate -eq 'twice') { $job.Output += $job.Output }
                    if ($fate -eq 'late') { $job.Status = 'Running' }
                }
            }
            $job
        }
        function Get-AzAutomationJob($ResourceGroupName, $AutomationAccountName, [guid] $Id) {
            if ($global:jobs["$Id"].Status -eq 'Unseen') { throw 'The service does not answer.' }
            $global:jobs["$Id"]
        }
        function Stop-AzAutomationJob([Parameter()] $ResourceGroupName, $AutomationAccountName, [guid] $Id) { $null = $stopped.Add($Id) }
        function Get-AzAutomationJobOutput([Parameter()] $ResourceGroupName, $AutomationAccountName, [guid] $Id, [string] $Stream) {
            for ($i = 0; $i -lt $global:jobs["$Id"].Output.Count; $i++) {
                $text = $global:jobs["$Id"].Output[$i]
                [pscustomobject]@{ StreamRecordId = "$i"; Type = $Stream; Summary = $text.Substring(0, [Math]::Min(80, $text.Length)) }
            }
        }
        function Get-AzAutomationJobOutputRecord([Parameter()] $ResourceGroupName, $AutomationAccountName, [guid] $JobId, [string] $Id) {
            $value = $global:jobs["$JobId"].Output[[int] $Id]
            if ($asObjects -and $value[0] -eq '{') {
                $row = [ordered]@{}
                foreach ($property in [Text.Json.JsonDocument]::Parse($value).RootElement.EnumerateObject()) { $row[$property.Name] = $property.Value.GetString() }
                $value = [pscustomobject] $row
            }
            [pscustomobject]@{ Value = @{ value = $value } }
        }
        """;

    private readonly ModuleSession _module = new();
    private readonly SshHost _host;
    private readonly string _known;

    public FleetRunbookTests(SshHost host)
    {
        _host = host;
        _known = host.KnownHosts([.. SshHost.Addresses.Select(a => $"[{a}]:{host.Port} {host.HostKey("ed25519")}")]);
        ModuleSession.Answer answer = _module.Run(
            $$"""
            $credentials = @($input)[0]
            $chunkRunbook = '{{Path.Combine(Repository.Root, "runbooks", "Invoke-NatFleetChunk.ps1")}}'
            {{Account}}
            """,
            new Hashtable { ["lab"] = Credential(SshHost.Password), ["wrong"] = Credential("wrong-secret") });
        Assert.Empty(answer.Errors);
    }

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_host_comes_back_once_and_those_that_failed_say_why(bool asObjects)
    {
        string[] inventory =
        [
            "UserName,ComputerName,KeyFile,Port", .. Enumerable.Range(0, 4).Select(Quick), "",
            $"quick,127.9.5.1,{Key},1", $"quick,\"a b\",{Key},{_host.Port}", $"quick,127.9.6.1,{Key},ssh", $"erased,127.9.7.1,\"{Key}\",{_host.Port}",
        ];
        Line[] lines = Run(inventory, $"-ChunkSize 3 -KnownHostsPath '{_known}'", $"$asObjects = ${asObjects}").Lines;
        Assert.Equal(["127.9.1.1", "127.9.2.1", "127.9.3.1", "127.9.4.1", "127.9.5.1", "a b", "127.9.6.1", "127.9.7.1"], lines.Select(l => l.ComputerName));
        Assert.Equal(["Healthy", "Healthy", "Healthy", "Healthy", "", "", "", "Erased"], lines.Select(l => l.Status));
        Assert.All(lines.Where(l => l.Status != ""), l => Assert.True(l is { Reason: not "", ErrorId: "", Error: "", Repair: "" }));
        Assert.Equal(["TargetUnreachable", "TargetUnreachable"], lines[4..6].Select(l => l.ErrorId));
        Assert.All(lines[4..7], l => Assert.True(l is { Status: "", ErrorId: not "" and not "NotReported", Error: not "" }, l.ToString()));
        Assert.Contains("ssh", lines[6].Error, StringComparison.Ordinal);
        Assert.Equal([3, 3, 2], Jobs().Select(j => Text(j, "Inventory").Split('\n').Length - 1));
        Assert.All(Jobs(), j => Assert.StartsWith("ComputerName,Port,UserName,KeyFile\n", Text(j, "Inventory"), StringComparison.Ordinal));
    }

    [Fact]
    public void An_inventory_can_be_a_variable_of_the_account() =>
        Assert.Equal("Healthy", Assert.Single(Run(Quicks(1), $"-KnownHostsPath '{_known}' -InventoryVariable fleet", "$fleet = $inventory; $inventory = ''").Lines).Status);

    [Theory]
    [InlineData("hung", "JobTimedOut", true)]
    [InlineData("unseen", "JobTimedOut", true)]
    [InlineData("refused", "JobNotStarted", false)]
    [InlineData("silent", "NotReported", false)]
    [InlineData("noisy", "NotReported", false)]
    public void A_job_that_tells_nothing_is_an_error_for_its_hosts_and_for_no_other(string fate, string errorId, bool stops)
    {
        (Line[] lines, ErrorRecord[] errors) = Run(Quicks(5), $"-ChunkSize 2 -TimeoutSec 2 -PollSec 1 -KnownHostsPath '{_known}'", $"$fates = '', '{fate}'");
        Assert.Equal(SshHost.Addresses.Take(5), lines.Select(l => l.ComputerName));
        Assert.Equal(["", "", errorId, errorId, ""], lines.Select(l => l.ErrorId));
        Assert.All(lines[2..4], l => Assert.True(l is { Status: "", Error: not "" }));
        Assert.StartsWith(errorId, Assert.Single(errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(stops ? [errors[0].TargetObject] : [], _module.Run("$stopped").Output.Select(o => o.BaseObject));
    }

    [Theory]
    [InlineData("twice")]
    [InlineData("late")]
    public void What_a_job_has_told_counts_once_however_it_ends(string fate)
    {
        (Line[] lines, ErrorRecord[] errors) = Run(Quicks(2), $"-TimeoutSec 1 -PollSec 1 -KnownHostsPath '{_known}'", $"$fates = @('{fate}')");
        Assert.Equal(["Healthy", "Healthy"], lines.Select(l => l.Status));
        Assert.Empty(errors);
    }

    [Fact]
    public void A_job_that_fails_says_why_for_each_of_its_hosts()
    {
        (Line[] lines, ErrorRecord[] errors) = Run(Quicks(2), "-CredentialName absent");
        Assert.Equal(["JobFailed", "JobFailed"], lines.Select(l => l.ErrorId));
        Assert.All(lines, l => Assert.Contains("no credential 'absent'", l.Error, StringComparison.Ordinal));
        Assert.Single(errors);
    }

    [Fact]
    public void Only_erased_hosts_are_repaired_and_only_when_that_is_asked_for()
    {
        // The erased one tells of no persisted rules, so that the repair refuses it.
        string[] inventory = [.. Quicks(1), $"erased,127.9.2.1,{Key},{_host.Port}"];
        Assert.Equal(["", ""], Run(inventory, $"-KnownHostsPath '{_known}'").Lines.Select(l => l.ErrorId));
        Line[] lines = Run(inventory, $"-Repair $true -KnownHostsPath '{_known}'").Lines;
        Assert.Equal([("Healthy", ""), ("Erased", "NothingToRestore")], lines.Select(l => (l.Status, l.ErrorId)));
    }

    [Fact]
    public void The_outcome_of_a_repair_is_told()
    {
        const string Repair = """
            function Repair-DsaNatHost([switch] $Confirm) {
                process { [pscustomobject]@{ ComputerName = $_.ComputerName; Outcome = 'Done'; Reason = "asked: $Confirm" } }
            }
            """;
        Line line = Assert.Single(Run([Heading, $"erased,127.9.1.1,{Key},{_host.Port}"], $"-Repair $true -KnownHostsPath '{_known}'", Repair).Lines);
        Assert.Equal(("Erased", "Done", "asked: False", ""), (line.Status, line.Repair, line.Reason, line.ErrorId));
    }

    [Theory]
    [InlineData("lab", "")]
    [InlineData("wrong", "AuthenticationFailed")]
    public void A_credential_logs_in_and_its_password_is_in_no_output_and_no_parameter(string credential, string errorId)
    {
        string[] inventory = ["ComputerName,Port", $"127.9.1.1,{_host.Port}"];
        ModuleSession.Answer answer = Answer(inventory, $"-CredentialName {credential} -KnownHostsPath '{_known}' -Verbose", "");
        Assert.Equal(errorId, Assert.Single(Lines(answer)).ErrorId);
        string said = string.Join('\n', [.. answer.Output.Select(o => o.ToString()), .. answer.Errors.Select(e => e.ToString()), .. answer.Shell.Streams.Verbose.Select(v => v.Message),
            .. Jobs().Select(j => PSSerializer.Serialize(j, 5))]);
        Assert.Contains(credential, said, StringComparison.Ordinal);
        Assert.DoesNotContain(SshHost.Password, said, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("has columns other than", "ComputerName,Password", "nat01,geheim")]
    [InlineData("no column ComputerName", "Host", "geheim")]
    [InlineData("Line 3 of the inventory names NAT01 again", "ComputerName,Port", "nat01,22", "NAT01,23")]
    [InlineData("Line 2 of the inventory names no host", "ComputerName,Port", ",22")]
    [InlineData("Line 2 of the inventory has more values", "ComputerName", "nat01,geheim")]
    public void An_inventory_that_cannot_be_right_starts_no_job(string why, params string[] inventory)
    {
        var error = Assert.ThrowsAny<RuntimeException>(() => Answer(inventory, "", ""));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", error.Message, StringComparison.Ordinal);
        Assert.Empty(Jobs());
    }

    private const string Heading = "UserName,ComputerName,KeyFile,Port";

    private string Key => _host.Key("openssh-ed25519");

    private string Quick(int number) => $"quick,{SshHost.Addresses[number]},{Key},{_host.Port}";

    private string[] Quicks(int count) => [Heading, .. Enumerable.Range(0, count).Select(Quick)];

    private (Line[] Lines, ErrorRecord[] Errors) Run(string[] inventory, string arguments, string before = "")
    {
        ModuleSession.Answer answer = Answer(inventory, arguments, before);
        return (Lines(answer), answer.Errors);
    }

    private ModuleSession.Answer Answer(string[] inventory, string arguments, string before) => _module.Run(
        $$"""
        $inventory = @($input)[0]
        {{before}}
        & '{{Path.Combine(Repository.Root, "runbooks", "Invoke-NatFleet.ps1")}}' -ResourceGroupName group -AutomationAccountName account -WorkerGroup workers -Inventory $inventory -ModulePath '{{Path.Combine(Repository.Module, "NatDsa.psd1")}}' {{arguments}}
        """,
        string.Join("\r\n", inventory));

    private static Line[] Lines(ModuleSession.Answer answer) => [.. answer.Output.Select(o => JsonSerializer.Deserialize<Line>((string)o.BaseObject)!)];

    private PSObject[] Jobs() => _module.Run("$jobs.Values").Output;

    private static string Text(PSObject job, string property) => (string)job.Properties[property].Value;

    private static PSCredential Credential(string password)
    {
        var secret = new SecureString();
        foreach (char c in password)
            secret.AppendChar(c);
        return new PSCredential("quick", secret);
    }

    private sealed record Line(string ComputerName, string Status, string Repair, string Reason, string ErrorId, string Error);
}
