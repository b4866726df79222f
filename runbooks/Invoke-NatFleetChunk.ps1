<#
.SYNOPSIS
Reads the NAT state of the hosts of an inventory, and repairs those that were erased when that is asked for.

.DESCRIPTION
The child runbook of Invoke-NatFleet, for a Hybrid Worker with PowerShell 7.4 or later and the NatDsa module. It writes
one line of JSON for each host of the inventory, those that failed included: ComputerName, Status (as it was read),
Repair (the outcome; empty when there was none), Reason, ErrorId and Error.

.PARAMETER Inventory
CSV text with a line of headings: ComputerName, and where they are needed Port, UserName and KeyFile. Each ComputerName
comes once.

.PARAMETER CredentialName
The account's credential to log in with. Where the inventory names a KeyFile, the password is the key's passphrase.

.PARAMETER SudoCredentialName
The account's credential whose password is sudo's.

.PARAMETER Sudo
Run as root through sudo, which must not ask for a password.

.PARAMETER Repair
Repair the hosts whose rules were erased.

.PARAMETER KnownHostsPath
The known_hosts file on the worker. When it is not given, those that ssh has.

.PARAMETER ModulePath
The module, by its name or by its path on the worker.

.EXAMPLE
./Invoke-NatFleetChunk.ps1 -Inventory (Get-Content -Path ./hosts.csv -Raw) | ConvertFrom-Json
Reads the hosts of a file, on a machine of one's own.
#>
[CmdletBinding()]
[OutputType([string])]
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidUsingPlainTextForPassword', '',
    Justification = 'These are the names of credentials, and no secrets.')]
param(
    [Parameter(Mandatory)] [string] $Inventory,
    [string] $CredentialName,
    [string] $SudoCredentialName,
    [bool] $Sudo,
    [bool] $Repair,
    [string] $KnownHostsPath,
    [string] $ModulePath = 'NatDsa'
)
Set-StrictMode -Version 1.0
$ErrorActionPreference = 'Stop'

function Get-AccountCredential {
    param([string] $Name)
    $credential = Get-AutomationPSCredential -Name $Name
    if (-not $credential) {
        throw "The Automation account has no credential '$Name'."
    }
    $credential
}

Import-Module -Name $ModulePath

$rows = @($Inventory | ConvertFrom-Csv)
if ($rows.Count -eq 0 -or $rows.Where({ -not $_.ComputerName })) {
    throw 'The inventory names no host, or has a row that names none.'
}

$asRoot = @{}
if ($Sudo) { $asRoot.Sudo = $true }
if ($SudoCredentialName) { $asRoot.SudoPassword = (Get-AccountCredential -Name $SudoCredentialName).Password }
$reach = $asRoot.Clone()
if ($CredentialName) { $reach.Credential = Get-AccountCredential -Name $CredentialName }
if ($KnownHostsPath) { $reach.KnownHostsPath = $KnownHostsPath }

# What fails is told in its host's line.
$quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = '+failed' }
$failed = @()
$states = [ordered] @{}
$rows | Get-NatIptablesState @reach @quiet | ForEach-Object { $states[$_.ComputerName] = $_ }

$repairs = @{}
if ($Repair) {
    $states.Values | Where-Object { $_.Status -eq 'Erased' } | Repair-DsaNatHost @asRoot @quiet -Confirm:$false |
        ForEach-Object { $repairs[$_.ComputerName] = $_ }
}

# An error that comes before a host is reached, such as of a port that is no number, is about the inventory's row.
$errors = @{}
foreach ($record in $failed) {
    $name = $record.TargetObject.ComputerName ?? $record.TargetObject
    $errors["$name"] += @($record)
}

foreach ($row in $rows) {
    $name = $row.ComputerName
    $state, $repaired, $about = $states[$name], $repairs[$name], $errors[$name]
    $line = [ordered] @{
        ComputerName = $name
        Status       = "$($state.Status)"
        Repair       = "$($repaired.Outcome)"
        Reason       = "$($repaired.Reason ?? $state.Reason)"
        ErrorId      = "$($about.FullyQualifiedErrorId | Select-Object -First 1)".Split(',')[0]
        Error        = $about.Exception.Message -join ' '
    }
    if (-not $state -and -not $about) {
        $line.ErrorId, $line.Error = 'NotReported', "${name}: nothing came of this host."
    }
    # In ASCII: nothing on the way can garble it.
    $line | ConvertTo-Json -Compress -EscapeHandling EscapeNonAscii
}
