<#
.SYNOPSIS
Reads the NAT state of the hosts of an inventory, and repairs those that were erased when that is asked for.

.DESCRIPTION
The child runbook of Invoke-NatFleet, for a Hybrid Worker with PowerShell 7.4 or later and the NatDsa module. It writes one line of JSON for each host of the
inventory, those that failed included: ComputerName, Status (as it was read), Repair (the outcome; empty when there was none), Reason, ErrorId, Error.

.PARAMETER Inventory
CSV text with a line of headings: ComputerName, and where they are needed Port, UserName and KeyFile. Each ComputerName comes once.

.PARAMETER CredentialName
The account's credential to log in with; the password is the key's passphrase where the inventory names a KeyFile.

.PARAMETER SudoCredentialName
The account's credential whose password is sudo's.

.PARAMETER Sudo
Run as root through sudo, which must not ask for a password.

.PARAMETER Repair
Repair the hosts whose rules were erased.

.PARAMETER KnownHostsPath
The known_hosts file on the worker; when it is not given, those that ssh has.

.PARAMETER ModulePath
The module, by its name or its path on the worker.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Inventory,
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

function Get-Secret([string] $Name) {
    $credential = Get-AutomationPSCredential -Name $Name
    if (-not $credential) { throw "The Automation account has no credential '$Name'." }
    $credential
}

function Read-Csv([string] $Text) {
    $reader = [Microsoft.VisualBasic.FileIO.TextFieldParser]::new([IO.StringReader]::new($Text))
    $reader.SetDelimiters(',')
    $names = $reader.ReadFields()
    while (-not $reader.EndOfData) {
        $fields = $reader.ReadFields()
        $row = [ordered]@{}
        for ($i = 0; $i -lt $names.Count; $i++) { $row[$names[$i]] = if ($i -lt $fields.Count) { $fields[$i] } else { '' } }
        [pscustomobject] $row
    }
}

# An error that comes before a host is reached, such as of a port that is no number, is about the row.
function Test-About($Failure, [string] $Name) { $Failure.TargetObject -eq $Name -or $Failure.TargetObject.ComputerName -eq $Name }

Import-Module $ModulePath
$reach = @{}
if ($CredentialName) { $reach.Credential = Get-Secret $CredentialName }
if ($KnownHostsPath) { $reach.KnownHostsPath = $KnownHostsPath }
$asRoot = @{}
if ($Sudo) { $asRoot.Sudo = $true }
if ($SudoCredentialName) { $asRoot.SudoPassword = (Get-Secret $SudoCredentialName).Password }

# What fails is told in the host's line.
$quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = '+failures' }
$failures = [Collections.ArrayList]::new()
$rows = @(Read-Csv $Inventory)
if ($rows.Where({ -not $_.ComputerName })) { throw 'A row of the inventory names no host.' }
$states = @($rows | Get-NatIptablesState @reach @asRoot @quiet)
$erased = @($states | Where-Object Status -EQ Erased)
$repairs = @()
if ($Repair -and $erased) { $repairs = @($erased | Repair-DsaNatHost -Confirm:$false @asRoot @quiet) }

foreach ($row in $rows) {
    $name = $row.ComputerName
    $state = $states.Where({ $_.ComputerName -eq $name }, 'First')[0]
    $repaired = $repairs.Where({ $_.ComputerName -eq $name }, 'First')[0]
    $errors = $failures.Where({ Test-About $_ $name })
    $line = [Collections.Generic.Dictionary[string, string]]::new()
    $line.ComputerName = $name
    $line.Status = "$($state.Status)"
    $line.Repair = "$($repaired.Outcome)"
    $line.Reason = if ($repaired) { $repaired.Reason } else { $state.Reason }
    $line.ErrorId = if ($errors) { $errors[0].FullyQualifiedErrorId.Split(',')[0] }
    $line.Error = ($errors | ForEach-Object { $_.Exception.Message }) -join ' '
    if (-not $state -and -not $errors) { $line.ErrorId, $line.Error = 'NotReported', "${name}: nothing came of this host." }
    [Text.Json.JsonSerializer]::Serialize($line, $line.GetType(), $json)
}
