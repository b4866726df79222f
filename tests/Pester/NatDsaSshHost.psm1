<#
A host for the specs that need no lab: an sshd of their own on this machine, which answers on every address 127.x.y.z,
with this pwsh as its PowerShell. Whoever runs the specs logs in to it with a key.
#>
Set-StrictMode -Version 3.0

$script:sshd = '/usr/sbin/sshd'
$script:startLimit = [timespan]::FromSeconds(30)

function Test-SshHost {
    <#
    .SYNOPSIS
    Whether this machine can run one.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param()

    $IsLinux -and (Test-Path -LiteralPath $sshd) -and [bool] (Get-Command -Name ssh-keygen -ErrorAction Ignore)
}

function Start-SshHost {
    <#
    .SYNOPSIS
    Starts it. Its Way holds the parameters of New-PSSession and of -HostName that lead there, but for the host's name.

    .PARAMETER Folder
    A folder of the specs', for its keys and settings.

    .PARAMETER Setting
    More lines for its sshd_config.
    #>
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The specs start hosts; nobody asks them whether to.')]
    [OutputType([pscustomobject])]
    param(
        [Parameter(Mandatory)]
        [string] $Folder,

        [string[]] $Setting = @()
    )

    # sshd of Debian, started by root, wants this folder; its unit makes it at boot.
    if ((id -u) -eq 0) { $null = New-Item -ItemType Directory -Path /run/sshd -Force }
    foreach ($key in 'host', 'client', 'stranger') {
        ssh-keygen -q -t ed25519 -N '' -f (Join-Path $Folder $key)
        if ($LASTEXITCODE) { throw "ssh-keygen could not make the key $key." }
    }

    $listener = [System.Net.Sockets.TcpListener]::new([ipaddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()

    # pwsh itself, or as a tool of .NET.
    $powershell = if ([System.IO.Path]::GetFileNameWithoutExtension([Environment]::ProcessPath) -eq 'dotnet') {
        "$([Environment]::ProcessPath) $(Join-Path $PSHOME 'pwsh.dll')"
    }
    else {
        [Environment]::ProcessPath
    }
    $configuration = Join-Path $Folder 'sshd_config'
    # A bash that counts as started by another reads no .bashrc: what is in this user's is no matter of the specs.
    @(
        "Port $port"
        'ListenAddress 0.0.0.0'
        "HostKey $(Join-Path $Folder 'host')"
        'KexAlgorithms curve25519-sha256'
        'PidFile none'
        'UsePAM no'
        'StrictModes no'
        'PermitRootLogin yes'
        'PasswordAuthentication no'
        'MaxStartups 200'
        "AuthorizedKeysFile $(Join-Path $Folder 'client.pub')"
        'SetEnv SHLVL=1 POWERSHELL_TELEMETRY_OPTOUT=1'
        "Subsystem powershell $powershell -sshs -NoLogo -NoProfile"
        $Setting
    ) | Set-Content -LiteralPath $configuration
    $known = Join-Path $Folder 'known_hosts'
    $type, $hostKey, $null = (Get-Content -LiteralPath (Join-Path $Folder 'host.pub')) -split ' '
    "* $type $hostKey" | Set-Content -LiteralPath $known

    $start = [System.Diagnostics.ProcessStartInfo]::new($sshd, [string[]] @('-D', '-e', '-f', $configuration))
    $start.RedirectStandardError = $true
    $process = [System.Diagnostics.Process]::Start($start)
    $said = ''
    do {
        $line = $process.StandardError.ReadLineAsync()
        if (-not $line.Wait($startLimit) -or $null -eq $line.Result) {
            $process.Kill($true)
            throw "sshd did not start within ${startLimit}: $said"
        }
        $said += $line.Result + "`n"
    } until ($line.Result -match 'Server listening on')

    # Whatever it says from here on must not fill the pipe.
    $null = $process.StandardError.ReadToEndAsync()
    $userName = [Environment]::UserName
    $key = Join-Path $Folder 'client'
    [pscustomobject]@{
        Folder         = $Folder
        Port           = $port
        UserName       = $userName
        KeyFilePath    = $key
        KnownHostsPath = $known
        Process        = $process
        Way            = @{
            UserName    = $userName
            Port        = $port
            KeyFilePath = $key
            Options     = @{
                UserKnownHostsFile    = $known
                GlobalKnownHostsFile  = '/dev/null'
                StrictHostKeyChecking = 'yes'
                BatchMode             = 'yes'
            }
        }
    }
}

function Stop-SshHost {
    <#
    .SYNOPSIS
    Ends it, and what it has started.
    #>
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The specs end what they started; nobody asks them whether to.')]
    param(
        # None: it could not be started.
        [AllowNull()]
        [pscustomobject] $SshHost
    )

    if (-not $SshHost) { return }
    $SshHost.Process.Kill($true)
    $SshHost.Process.WaitForExit()
    $SshHost.Process.Dispose()
}

# Posh-SSH's own session has these members, and two of them are fields.
class PoshSshSession {
    [int] $SessionId
    [string] $Host
    $Session
    [bool] $Connected = $true
}

function New-PoshSshSession {
    <#
    .SYNOPSIS
    A connected session of Posh-SSH's shape.
    #>
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
        Justification = 'The specs open sessions; nobody asks them whether to.')]
    [OutputType([PoshSshSession])]
    param(
        [Parameter(Mandatory)]
        [pscustomobject] $SshHost,

        [string] $HostName = '127.0.0.1',

        [int] $SessionId = 0
    )

    # The copy that the module brings serves as Posh-SSH's; it is loaded once more, as that would be.
    $library = [System.Reflection.Assembly]::LoadFrom(
        (Resolve-Path -LiteralPath "$PSScriptRoot/../../out/NatDsa/ssh/Renci.SshNet.dll").Path)
    $keys = [Array]::CreateInstance($library.GetType('Renci.SshNet.IPrivateKeySource'), 1)
    $keys.SetValue($library.GetType('Renci.SshNet.PrivateKeyFile')::new($SshHost.KeyFilePath), 0)
    $client = $library.GetType('Renci.SshNet.SshClient')::new($HostName, $SshHost.Port, $SshHost.UserName, $keys)
    $client.Connect()
    [PoshSshSession]@{ SessionId = $SessionId; Host = $HostName; Session = $client }
}

Export-ModuleMember -Function Test-SshHost, Start-SshHost, Stop-SshHost, New-PoshSshSession
