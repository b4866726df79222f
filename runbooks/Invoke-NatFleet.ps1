<#
.SYNOPSIS
Reads, or repairs, the NAT state of a fleet: splits its inventory over child jobs on a Hybrid Worker group.

.DESCRIPTION
Needs the Az.Automation module, and a managed identity that may start, read and stop jobs of the account. It writes one line of JSON for each host
of the inventory, exactly one, as Invoke-NatFleetChunk has written it; where a job did not tell of a host, ErrorId is one of

  JobNotStarted  the job could not be started
  JobFailed      the job failed, or somebody stopped it
  JobTimedOut    the job was still queued or running when the time was up, and was told to stop; a repair that has begun is ended by its host
  NotReported    the job completed without a word of the host

and there is one error for each such job.

.PARAMETER Inventory
CSV text with a line of headings: ComputerName, and where they are needed Port, UserName and KeyFile (a path on the workers). Other columns are refused:
the parameters of a job can be read by all who may read the account, so that nothing secret belongs there.

.PARAMETER InventoryVariable
The account's variable that holds that text.

.PARAMETER WorkerGroup
The Hybrid Worker group that runs the child jobs.

.PARAMETER ChunkSize
How many hosts a child job gets.

.PARAMETER TimeoutSec
Seconds that the jobs may take together, from the start of the first.

.PARAMETER PollSec
Seconds between two questions how the jobs are.

.PARAMETER ChildRunbook
The name under which Invoke-NatFleetChunk was imported.

.PARAMETER CredentialName
For the child, as the parameters that follow.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ResourceGroupName,
    [Parameter(Mandatory)] [string] $AutomationAccountName,
    [Parameter(Mandatory)] [string] $WorkerGroup,
    [string] $Inventory,
    [string] $InventoryVariable,
    [ValidateRange(1, 10000)] [int] $ChunkSize = 100,
    [ValidateRange(1, 86400)] [int] $TimeoutSec = 3600,
    [ValidateRange(1, 600)] [int] $PollSec = 10,
    [string] $ChildRunbook = 'Invoke-NatFleetChunk',
    [string] $CredentialName,
    [string] $SudoCredentialName,
    [bool] $Sudo,
    [bool] $Repair,
    [string] $KnownHostsPath,
    [string] $ModulePath = 'NatDsa'
)
$ErrorActionPreference = 'Stop'
$null = [Reflection.Assembly]::Load('System.Text.Json'), [Reflection.Assembly]::Load('Microsoft.VisualBasic.Core')
$json = [Text.Json.JsonSerializerOptions]::new()
$columns = 'ComputerName', 'Port', 'UserName', 'KeyFile'
$account = @{ ResourceGroupName = $ResourceGroupName; AutomationAccountName = $AutomationAccountName }

function Read-Inventory([string] $Text) {
    $reader = [Microsoft.VisualBasic.FileIO.TextFieldParser]::new([IO.StringReader]::new($Text))
    $reader.SetDelimiters(',')
    $names = $reader.ReadFields()
    if ($names -notcontains 'ComputerName') { throw 'The inventory has no column ComputerName.' }
    # The value of a heading is not repeated: a list without headings may begin with anything.
    if ($names.Where({ $_ -notin $columns })) { throw "The inventory has columns other than $($columns -join ', ')." }
    $seen = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
    while (-not $reader.EndOfData) {
        $line = $reader.LineNumber
        $fields = $reader.ReadFields()
        if ($fields.Count -gt $names.Count) { throw "Line $line of the inventory has more values than there are columns." }
        $row = @{}
        for ($i = 0; $i -lt $fields.Count; $i++) { $row[$names[$i]] = $fields[$i] }
        if (-not $row.ComputerName) { throw "Line $line of the inventory names no host." }
        # A line of the answer is told by its host's name.
        if (-not $seen.Add($row.ComputerName)) { throw "Line $line of the inventory names $($row.ComputerName) again. Hosts behind one address can be told apart as host:port." }
        $row
    }
}

function Format-Csv($Rows) {
    @($columns -join ',') + @($Rows | ForEach-Object { $row = $_; ($columns | ForEach-Object { '"{0}"' -f "$($row[$_])".Replace('"', '""') }) -join ',' }) -join "`n"
}

# A line of a child's output as the account hands it back: as it was written, or read as JSON already. Null for anything else.
function Read-Line($Value) {
    $line = [Collections.Generic.Dictionary[string, string]]::new()
    if ($Value -is [string]) {
        try { $text = [Text.Json.JsonDocument]::Parse($Value) } catch [Text.Json.JsonException] { return }
        if ($text.RootElement.ValueKind -ne 'Object') { return }
        foreach ($property in $text.RootElement.EnumerateObject()) { $line[$property.Name] = "$($property.Value)" }
    } else {
        foreach ($property in $Value.PSObject.Properties) { $line[$property.Name] = "$($property.Value)" }
    }
    if ($line.ContainsKey('ComputerName')) { $line }
}

function Write-Line($Line) { [Text.Json.JsonSerializer]::Serialize($Line, $Line.GetType(), $json) }

if ($InventoryVariable) { $Inventory = Get-AutomationVariable -Name $InventoryVariable }
if (-not $Inventory) { throw 'Give the inventory with -Inventory or -InventoryVariable.' }
$rows = @(Read-Inventory $Inventory)
$null = Connect-AzAccount -Identity

$child = @{ Sudo = $Sudo; Repair = $Repair; ModulePath = $ModulePath }
foreach ($name in 'CredentialName', 'SudoCredentialName', 'KnownHostsPath') {
    $value = $PSBoundParameters[$name]
    if ($value) { $child[$name] = $value }
}

$clock = [Diagnostics.Stopwatch]::StartNew()
$jobs = @(for ($first = 0; $first -lt $rows.Count; $first += $ChunkSize) {
    $chunk = $rows[$first..([Math]::Min($first + $ChunkSize, $rows.Count) - 1)]
    $job = @{ Hosts = @($chunk.ComputerName); Id = $null; Fault = 'JobTimedOut'; Why = "It had not ended after $TimeoutSec s."; Ended = $false }
    try {
        $job.Id = (Start-AzAutomationRunbook @account -Name $ChildRunbook -RunOn $WorkerGroup -Parameters ($child + @{ Inventory = Format-Csv $chunk })).JobId
    } catch {
        $job.Fault, $job.Why, $job.Ended = 'JobNotStarted', $_.Exception.Message, $true
    }
    $job
})

while ($true) {
    foreach ($job in $jobs.Where({ -not $_.Ended })) {
        # A question that fails is asked again until the time is up.
        try { $state = Get-AzAutomationJob @account -Id $job.Id } catch { $job.Why = "Its state could not be read: $($_.Exception.Message)"; continue }
        switch ("$($state.Status)") {
            'Completed' { $job.Fault, $job.Why, $job.Ended = 'NotReported', 'It completed without a word of the host.', $true }
            { $_ -in 'Failed', 'Stopped', 'Suspended' } { $job.Fault, $job.Why, $job.Ended = 'JobFailed', "$_. $($state.Exception)", $true }
            default { $job.Why = "It had not ended after $TimeoutSec s ($_)." }
        }
    }
    $left = $TimeoutSec * 1000 - $clock.ElapsedMilliseconds
    if ($left -le 0 -or -not $jobs.Where({ -not $_.Ended })) { break }
    [Threading.Thread]::Sleep([int] [Math]::Min($PollSec * 1000, $left))
}

# From here on an error is news, and the next job's turn comes all the same.
$ErrorActionPreference = 'Continue'
foreach ($job in $jobs) {
    if (-not $job.Ended) {
        try { $null = Stop-AzAutomationJob @account -Id $job.Id -ErrorAction Stop } catch { $job.Why += " It could not be stopped: $($_.Exception.Message)" }
    }
    $open = [Collections.Generic.HashSet[string]]::new([string[]] $job.Hosts, [StringComparer]::OrdinalIgnoreCase)
    if ($job.Id) {
        try {
            foreach ($entry in Get-AzAutomationJobOutput @account -Id $job.Id -Stream Output -ErrorAction Stop) {
                # The entry itself has the first 80 characters only.
                $line = Read-Line (Get-AzAutomationJobOutputRecord @account -JobId $job.Id -Id $entry.StreamRecordId -ErrorAction Stop).Value['value']
                if ($line -and $open.Remove($line.ComputerName)) { Write-Line $line }
            }
        } catch {
            $job.Why += " Its output could not be read: $($_.Exception.Message)"
        }
    }
    if ($open.Count -eq 0) { continue }
    $what = "Job $($job.Id) of $($open.Count) hosts: $($job.Why)"
    foreach ($name in $job.Hosts.Where({ $open.Contains($_) })) {
        $line = [Collections.Generic.Dictionary[string, string]]::new()
        $line.ComputerName = $name
        foreach ($empty in 'Status', 'Repair', 'Reason') { $line[$empty] = '' }
        $line.ErrorId, $line.Error = $job.Fault, $what
        Write-Line $line
    }
    $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([InvalidOperationException]::new($what), $job.Fault, 'OperationStopped', $job.Id))
}
