<#
.SYNOPSIS
Reads, or repairs, the NAT state of a fleet: splits its inventory over child jobs on a Hybrid Worker group.

.DESCRIPTION
Needs the Az.Automation module, and a managed identity that may start, read and stop jobs of the account. It writes one
line of JSON for each host of the inventory, exactly one, as Invoke-NatFleetChunk has written it. Where a job did not
tell of a host, ErrorId is one of

  JobNotStarted  the job could not be started
  JobFailed      the job failed, or was stopped or suspended
  JobTimedOut    the job was still queued or running when the time was up, and was told to stop; a repair that has begun
                 is ended by its host
  NotReported    the job completed without a word of the host

and there is one error for each such job.

.PARAMETER ResourceGroupName
The resource group of the Automation account.

.PARAMETER AutomationAccountName
The Automation account that has both runbooks.

.PARAMETER WorkerGroup
The Hybrid Worker group that runs the child jobs.

.PARAMETER Inventory
CSV text with a line of headings: ComputerName, and where they are needed Port, UserName and KeyFile (a path on the
workers). Other columns are refused: the parameters of a job can be read by all who may read the account, so that
nothing secret belongs there.

.PARAMETER InventoryVariable
The account's variable that holds that text.

.PARAMETER ChunkSize
How many hosts a child job gets.

.PARAMETER TimeoutSec
Seconds that the jobs may take together, from the start of the first.

.PARAMETER PollSec
Seconds between two questions how the jobs are.

.PARAMETER ChildRunbook
The name under which Invoke-NatFleetChunk was imported.

.PARAMETER CredentialName
For the child: the account's credential to log in with.

.PARAMETER SudoCredentialName
For the child: the account's credential whose password is sudo's.

.PARAMETER Sudo
For the child: run as root through sudo, which must not ask for a password.

.PARAMETER Repair
For the child: repair the hosts whose rules were erased.

.PARAMETER KnownHostsPath
For the child: the known_hosts file on the workers.

.PARAMETER ModulePath
For the child: the module, by its name or by its path on the workers.
#>
[CmdletBinding()]
[OutputType([string])]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidUsingPlainTextForPassword', '',
    Justification = 'These are the names of credentials, and no secrets.')]
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
Set-StrictMode -Version 1.0
$ErrorActionPreference = 'Stop'

# --- the inventory: one that cannot be right starts no job ---

if ($InventoryVariable) {
    $Inventory = Get-AutomationVariable -Name $InventoryVariable
}
$text = "$Inventory".Trim([char] 0xFEFF, ' ', "`t", "`r", "`n")
if (-not $text) {
    throw 'Give the inventory with -Inventory or -InventoryVariable: there is none, or it is empty.'
}
# What is in the first line is not repeated: a list without headings may begin with anything.
$columns = 'ComputerName', 'Port', 'UserName', 'KeyFile'
$headings = @($text.Split([char[]] "`r`n")[0].Split(',').Trim(' ', '"'))
if ($headings -notcontains 'ComputerName') {
    throw 'The inventory has no column ComputerName.'
}
if ($headings.Where({ $_ -notin $columns })) {
    throw "The inventory has columns other than $($columns -join ', ')."
}
# ConvertFrom-Csv drops values for which there is no heading.
$rows = @($text | ConvertFrom-Csv -Header ($headings + 'Surplus') | Select-Object -Skip 1)
if (-not $rows) {
    throw 'The inventory names no host.'
}
$seen = [Collections.Generic.HashSet[string]]::new([StringComparer]::OrdinalIgnoreCase)
for ($i = 0; $i -lt $rows.Count; $i++) {
    $name = $rows[$i].ComputerName = "$($rows[$i].ComputerName)".Trim()
    $fault = if ($null -ne $rows[$i].Surplus) { 'has more values than there are columns.' }
    elseif (-not $name) { 'names no host.' }
    # A line of the answer is told by its host's name.
    elseif (-not $seen.Add($name)) { "names $name again. Hosts behind one address can be told apart as host:port." }
    if ($fault) {
        throw "Row $($i + 1) of the inventory $fault"
    }
}

# --- the jobs ---

$null = Connect-AzAccount -Identity
$account = @{ ResourceGroupName = $ResourceGroupName; AutomationAccountName = $AutomationAccountName }
$child = @{ Sudo = $Sudo; Repair = $Repair; ModulePath = $ModulePath }
if ($CredentialName) { $child.CredentialName = $CredentialName }
if ($SudoCredentialName) { $child.SudoCredentialName = $SudoCredentialName }
if ($KnownHostsPath) { $child.KnownHostsPath = $KnownHostsPath }

$clock = [Diagnostics.Stopwatch]::StartNew()
$late = "It had not ended after $TimeoutSec s."
$jobs = for ($first = 0; $first -lt $rows.Count; $first += $ChunkSize) {
    $chunk = $rows | Select-Object -Skip $first -First $ChunkSize -Property $columns
    $job = @{ Hosts = $chunk.ComputerName; Id = $null; Ended = $false; ErrorId = 'JobTimedOut'; Why = $late }
    $parameters = $child + @{ Inventory = ($chunk | ConvertTo-Csv) -join "`n" }
    try {
        $started = Start-AzAutomationRunbook @account -Name $ChildRunbook -RunOn $WorkerGroup -Parameters $parameters
        $job.Id = $started.JobId
    } catch {
        $job.Ended, $job.ErrorId, $job.Why = $true, 'JobNotStarted', $_.Exception.Message
    }
    $job
}

while ($true) {
    foreach ($job in $jobs | Where-Object { -not $_.Ended }) {
        try {
            $state = Get-AzAutomationJob @account -Id $job.Id
        } catch {
            # It is asked again until the time is up.
            $job.Why = "Its state could not be read: $($_.Exception.Message)"
            continue
        }
        switch ($state.Status) {
            'Completed' {
                $job.Ended, $job.ErrorId, $job.Why = $true, 'NotReported', 'It completed without a word of the host.'
            }
            { $_ -in 'Failed', 'Stopped', 'Suspended' } {
                $job.Ended, $job.ErrorId, $job.Why = $true, 'JobFailed', "$_. $($state.Exception)".Trim()
            }
            default { $job.Why = "$late Its state is $_." }
        }
    }
    $left = $TimeoutSec - $clock.Elapsed.TotalSeconds
    if ($left -le 0 -or -not ($jobs | Where-Object { -not $_.Ended })) { break }
    Start-Sleep -Seconds ([Math]::Min($PollSec, $left))
}

# --- what they have told; what one cannot tell keeps nobody from telling the rest ---

foreach ($job in $jobs) {
    if (-not $job.Ended) {
        try {
            $null = Stop-AzAutomationJob @account -Id $job.Id
        } catch {
            $job.Why += " It could not be stopped: $($_.Exception.Message)"
        }
    }
    $untold = [Collections.Generic.HashSet[string]]::new([string[]] $job.Hosts, [StringComparer]::OrdinalIgnoreCase)
    $entries = @()
    if ($job.Id) {
        try {
            $entries = @(Get-AzAutomationJobOutput @account -Id $job.Id -Stream Output)
        } catch {
            $job.Why += " Its output could not be read: $($_.Exception.Message)"
        }
    }
    $unread = ''
    foreach ($entry in $entries) {
        try {
            # The entry itself has the first 80 characters only. A string that is JSON comes as an object from some
            # versions of Az.Automation.
            $record = Get-AzAutomationJobOutputRecord @account -JobId $job.Id -Id $entry.StreamRecordId
            $value = $record.Value['value']
            if ($value -isnot [string]) { $value = ConvertTo-Json -InputObject $value }
            $line = $value | ConvertFrom-Json
        } catch {
            $unread = " A line of its output could not be read: $($_.Exception.Message)"
            continue
        }
        # A line that has neither a status nor an error tells nothing.
        if (($line.Status -or $line.ErrorId) -and $untold.Remove("$($line.ComputerName)")) {
            $line | ConvertTo-Json -Compress -EscapeHandling EscapeNonAscii
        }
    }
    if ($untold.Count -eq 0) { continue }

    $what = "Job $($job.Id) of $($job.Hosts.Count) hosts, $($untold.Count) untold: $($job.Why)$unread"
    foreach ($name in $job.Hosts | Where-Object { $untold.Contains($_) }) {
        [ordered] @{
            ComputerName = $name; Status = ''; Repair = ''; Reason = ''; ErrorId = $job.ErrorId; Error = $what
        } | ConvertTo-Json -Compress -EscapeHandling EscapeNonAscii
    }
    $told = @{ ErrorId = $job.ErrorId; Category = 'OperationStopped'; TargetObject = $job.Id; ErrorAction = 'Continue' }
    Write-Error -Message $what @told
}
