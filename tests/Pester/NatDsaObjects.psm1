<#
An object of each type that a cmdlet writes, by a name that a spec's sentence goes on with: of files, which need no
host, and of a lab (NatDsaLab.psm1).
#>
Set-StrictMode -Version 3.0

$script:manifest = (Resolve-Path -LiteralPath "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1").Path
$script:samples = (Resolve-Path -LiteralPath "$PSScriptRoot/../../samples").Path

$script:commandsOfFiles = [ordered]@{
    'a state'                   = "Get-NatIptablesState -Path '$samples/working-save.txt'"
    'the state of erased rules' = "Get-NatIptablesState -Path '$samples/erased.txt'"
    'a rule of iptables-save'   = "Get-NatIptablesRule -Path '$samples/working-save.txt' | Select-Object -Index 4"
    'a rule of iptables -L'     = "Get-NatIptablesRule -Path '$samples/working.txt' | Select-Object -Last 1"
    'a rule of nft'             = "Get-NatIptablesRule -Path '$samples/working-native-nft.json' " +
        '| Select-Object -Index 2'
    'a difference'              = "Compare-NatIptablesState -Reference '$samples/working-save.txt' " +
        "-Path '$samples/erased-save.txt' | Select-Object -Index 4"
    'a source NAT'              = "(Get-NatIptablesState -Path '$samples/working-save.txt').SourceNat[0]"
    'a ruleset'                 = "ConvertFrom-IptablesRuleset -Path '$samples/working-native-nft.json'"
}

$script:namesOfHosts = 'a state', 'a rule', 'an agent', 'a marker file', 'a repair', 'a step', 'a backup',
    'a protection', 'a difference', 'a restore', 'an answer from the internet'

function Get-ObjectName {
    <#
    .SYNOPSIS
    The names of the objects of files, or with -OfHost of those of a lab.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([switch] $OfHost)

    if ($OfHost) { $namesOfHosts } else { $commandsOfFiles.Keys }
}

function Get-CommandOfFile {
    <#
    .SYNOPSIS
    The text of the command that writes an object of a file.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param([Parameter(Mandatory)] [string] $Name)

    $commandsOfFiles[$Name]
}

function Get-ObjectOfFile {
    <#
    .SYNOPSIS
    The objects of files, by their names.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param()

    $found = @{}
    foreach ($name in $commandsOfFiles.Keys) { $found[$name] = & ([scriptblock]::Create($commandsOfFiles[$name])) }
    $found
}

function Get-ObjectOfHost {
    <#
    .SYNOPSIS
    The objects of a lab that is up and broken, by their names: it is repaired, protected, flushed and restored for
    them.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param([Parameter(Mandatory)] [pscustomobject] $Lab)

    $nat = Get-LabTarget -Lab $Lab -Way HostName
    $client = Get-LabTarget -Lab $Lab -Way HostName -On client
    $page = 'http://203.0.113.10/'
    $found = @{
        'an agent'      = Get-DsaAgentState @nat
        'a marker file' = Test-DsaMarkerFile @nat | Select-Object -First 1
        'a repair'      = Repair-DsaNatHost @nat -Confirm:$false -VerifyFrom $Lab.Client -VerifyUri $page
    }
    $found['a step'] = $found['a repair'].Steps | Where-Object Name -EQ LoadRules
    $found['a backup'] = Backup-NatIptablesState @nat
    $found['a protection'] = Protect-DsaNatHost @nat -Confirm:$false
    $other = 'iptables -t nat -R POSTROUTING 1 -s 10.0.0.0/16 -o eth0 -j MASQUERADE'
    $null = Invoke-OnLabHost -Lab $Lab -Script $other
    $found['a difference'] = Compare-NatIptablesState @nat -Persisted | Select-Object -First 1
    $null = Invoke-OnLabHost -Lab $Lab -Script 'iptables -t nat -F'
    $found['a restore'] = Restore-NatIptablesState @nat -Confirm:$false
    $found['a state'] = Get-NatIptablesState @nat
    $found['a rule'] = Get-NatIptablesRule @nat | Where-Object Options -Like '*dport*' | Select-Object -First 1
    $found['an answer from the internet'] = Test-NatEgress @client -Uri $page
    $found
}

function Invoke-Pwsh {
    <#
    .SYNOPSIS
    Runs a command in a pwsh like this one, of its own, with the module, and writes what it printed. It has no terminal.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)]
        [string] $Command,

        [switch] $WithoutModule
    )

    if (-not $WithoutModule) { $Command = "Import-Module '$manifest'; $Command" }
    $words = [System.Collections.Generic.List[string]] @('-NoProfile', '-NonInteractive', '-Command', $Command)
    $program = (Get-Process -Id $PID).Path
    # As a tool of .NET it is no program of its own.
    if ((Split-Path -Path $program -LeafBase) -eq 'dotnet') {
        $words.Insert(0, [System.Environment]::GetCommandLineArgs()[0])
    }
    & $program @words 2>&1
}

Export-ModuleMember -Function Get-ObjectName, Get-CommandOfFile, Get-ObjectOfFile, Get-ObjectOfHost, Invoke-Pwsh
