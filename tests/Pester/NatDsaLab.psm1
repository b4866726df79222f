<#
Raises labs (tests/Lab) for the specs, and reaches their hosts in every way that the module knows. A lab lives until
Stop-NatLab, or until the process that raised it ends, however it ends.
#>
Set-StrictMode -Version 3.0

$script:root = (Resolve-Path -LiteralPath "$PSScriptRoot/../..").Path
$script:command = "$root/tests/Lab/lab"
# A host with systemd takes longer; the first one on a machine waits until its root file system is made.
$script:raiseLimit = [timespan]::FromMinutes(10)
$script:commandLimit = [timespan]::FromMinutes(2)

# Posh-SSH's own session has these members, and two of them are fields.
class PoshSshSession {
    [int] $SessionId
    [string] $Host
    $Session
    [bool] $Connected = $true
}

function Start-NatLab {
    <#
    .SYNOPSIS
    Raises an internet, a NAT host and a client behind it.

    .PARAMETER With
    Debian packages that a NAT host with systemd has besides.
    #>
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The specs raise labs; nobody asks them whether to.')]
    [OutputType([pscustomobject])]
    param(
        [ValidateSet('sysv', 'debian', 'systemd', 'rhel7')]
        [string] $Flavor = 'sysv',

        [ValidateSet('nft', 'legacy')]
        [string] $Backend = 'nft',

        [string] $Agent,

        [switch] $Broken,

        [string] $Rules = 'standard',

        [string] $Locale = 'C.UTF-8',

        [string[]] $With = @()
    )

    $arguments = @('up', '--hold', '--flavor', $Flavor, '--backend', $Backend, '--rules', $Rules, '--locale', $Locale)
    if ($Agent) { $arguments += '--agent', $Agent }
    if ($Broken) { $arguments += '--broken' }
    foreach ($package in $With) { $arguments += '--with', $package }

    $start = [System.Diagnostics.ProcessStartInfo]::new($command, [string[]] $arguments)
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    $raised = @{}
    while ($true) {
        $next = $process.StandardOutput.ReadLineAsync()
        if (-not $next.Wait($raiseLimit)) {
            $process.Kill($true)
            throw "lab $arguments was not up after $raiseLimit."
        }
        if ($null -eq $next.Result) { throw "lab $arguments could not be raised; what it said stands above." }
        if ($next.Result -eq 'ready') { break }
        $name, $value = $next.Result -split '=', 2
        $raised[$name] = $value
    }

    [pscustomobject]@{
        Id             = $raised['id']
        Nat            = $raised['nat.address']
        Client         = $raised['client.address']
        Internet       = $raised['internet.address']
        Port           = [int] $raised['port']
        KeyFilePath    = $raised['key']
        KnownHostsPath = $raised['known_hosts']
        Process        = $process
    }
}

function Stop-NatLab {
    <#
    .SYNOPSIS
    Ends a lab.
    #>
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The specs end what they raised; nobody asks them whether to.')]
    param(
        # None: it could not be raised.
        [AllowNull()]
        [pscustomobject] $Lab
    )

    if (-not $Lab) { return }
    $Lab.Process.StandardInput.Close()
    if (-not $Lab.Process.WaitForExit([int] $commandLimit.TotalMilliseconds)) {
        $Lab.Process.Kill($true)
        throw "Lab $($Lab.Id) did not end within $commandLimit."
    }
}

function Invoke-NatLab {
    <#
    .SYNOPSIS
    Runs a command of lab, such as 'fetch', or 'agent-module', 'firewall', 'on'. Writes its output as one text.

    .PARAMETER AllowFailure
    Write the output, and what it said on standard error, whatever the exit code is.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)]
        [pscustomobject] $Lab,

        [Parameter(Mandatory)]
        [string[]] $Command,

        [switch] $AllowFailure
    )

    $arguments = @($Command[0], '--lab', $Lab.Id) + @($Command | Select-Object -Skip 1)
    $start = [System.Diagnostics.ProcessStartInfo]::new($script:command, [string[]] $arguments)
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        $process.StandardInput.Close()
        $output = $process.StandardOutput.ReadToEndAsync()
        $failure = $process.StandardError.ReadToEndAsync()
        if (-not $process.WaitForExit([int] $commandLimit.TotalMilliseconds)) {
            throw "Still running after ${commandLimit}: lab $arguments"
        }
        if ($process.ExitCode -and -not $AllowFailure) {
            throw "lab $arguments ended with exit code $($process.ExitCode): $($output.Result)$($failure.Result)"
        }
        $text = $output.Result
        if ($AllowFailure) { $text += $failure.Result }
        $text.TrimEnd("`n")
    }
    finally {
        if (-not $process.HasExited) { $process.Kill($true) }
        $process.Dispose()
    }
}

function Invoke-OnLabHost {
    <#
    .SYNOPSIS
    Runs a shell's command line inside a host, as root, without ssh.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)]
        [pscustomobject] $Lab,

        [Parameter(Mandatory)]
        [string] $Script,

        [ValidateSet('nat', 'client', 'internet')]
        [string] $On = 'nat',

        [switch] $AllowFailure
    )

    Invoke-NatLab -Lab $Lab -Command 'exec', $On, '--', '/bin/sh', '-c', $Script -AllowFailure:$AllowFailure
}

function Get-LabTarget {
    <#
    .SYNOPSIS
    The parameters that reach a host in one of the module's ways, to be splatted: Get-NatIptablesState @target.

    .DESCRIPTION
    Session is a PSSession that stays open until the lab's end; PoshSsh a connected session of Posh-SSH's shape; Local
    has no parameters, and is for Invoke-LabCommand.
    #>
    [CmdletBinding()]
    [OutputType([hashtable])]
    param(
        [Parameter(Mandatory)]
        [pscustomobject] $Lab,

        [ValidateSet('Local', 'Session', 'HostName', 'ComputerName', 'PoshSsh')]
        [string] $Way = 'ComputerName',

        [ValidateSet('nat', 'client')]
        [string] $On = 'nat',

        [string] $UserName = 'root'
    )

    $address = if ($On -eq 'nat') { $Lab.Nat } else { $Lab.Client }
    $remoting = @{
        HostName    = $address
        Port        = $Lab.Port
        UserName    = $UserName
        KeyFilePath = $Lab.KeyFilePath
        Options     = @{ UserKnownHostsFile = $Lab.KnownHostsPath }
    }
    switch ($Way) {
        'Local' { @{} }
        'HostName' { $remoting }
        'ComputerName' {
            @{
                ComputerName   = $address
                Port           = $Lab.Port
                UserName       = $UserName
                KeyFile        = $Lab.KeyFilePath
                KnownHostsPath = $Lab.KnownHostsPath
            }
        }
        'Session' { @{ Session = New-PSSession @remoting -ConnectingTimeout 30000 -ErrorAction Stop } }
        'PoshSsh' {
            # The copy that the module brings serves as Posh-SSH's; it is loaded once more, as that would be.
            $library = [System.Reflection.Assembly]::LoadFrom("$root/out/NatDsa/ssh/Renci.SshNet.dll")
            $key = $library.GetType('Renci.SshNet.PrivateKeyFile')::new($Lab.KeyFilePath)
            $keys = [Array]::CreateInstance($library.GetType('Renci.SshNet.IPrivateKeySource'), 1)
            $keys.SetValue($key, 0)
            $client = $library.GetType('Renci.SshNet.SshClient')::new($address, $Lab.Port, $UserName, $keys)
            $client.Connect()
            @{ Session = [PoshSshSession]@{ SessionId = 0; Host = $address; Session = $client } }
        }
    }
}

function Invoke-LabCommand {
    <#
    .SYNOPSIS
    Runs a command with @target in one of the module's ways, and writes what it wrote, as objects: 'Local' runs it in a
    pwsh on the host itself, and brings its objects back as a job would.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [pscustomobject] $Lab,

        [Parameter(Mandatory)]
        [string] $Way,

        [Parameter(Mandatory)]
        [string] $Command,

        [ValidateSet('nat', 'client')]
        [string] $On = 'nat',

        [hashtable] $Target = (Get-LabTarget -Lab $Lab -Way $Way -On $On)
    )

    if ($Way -ne 'Local') {
        # $target is what the command's text names.
        $null = $Target
        . ([scriptblock]::Create($Command))
        return
    }

    $there = @"
`$target = @{}
& { $Command } | ForEach-Object { [System.Management.Automation.PSSerializer]::Serialize(`$_, 3) -replace '\r?\n', ' ' }
"@
    $encoded = [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($there))
    $pwsh = 'exec', $On, '--', 'pwsh', '-NoProfile', '-NonInteractive', '-EncodedCommand', $encoded
    Invoke-NatLab -Lab $Lab -Command $pwsh |
        ForEach-Object { $_ -split "\n" } | Where-Object { $_.StartsWith("<Objs") } |
        ForEach-Object { [System.Management.Automation.PSSerializer]::Deserialize($_) }
}

Export-ModuleMember -Function Start-NatLab, Stop-NatLab, Invoke-NatLab, Invoke-OnLabHost, Get-LabTarget,
    Invoke-LabCommand
