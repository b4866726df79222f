<# Ask hosts over sessions that are open, and over PowerShell remoting: -Session and -HostName. #>

BeforeDiscovery {
    Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
    $script:noHost = -not (Test-SshHost)
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
}

Describe 'Sessions' -Skip:$noHost {
    BeforeAll {
        Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
        $folder = (New-Item -ItemType Directory -Path (Join-Path $TestDrive 'sshd')).FullName
        $script:server = Start-SshHost -Folder $folder
        $way = $server.Way
        $script:nat01 = New-PSSession -HostName 127.9.0.1 -Name first @way -ErrorAction Stop
        $script:nat02 = New-PSSession -HostName 127.9.0.2 -Name second @way -ErrorAction Stop
        $script:posh = New-PoshSshSession -SshHost $server -HostName 127.9.0.3 -SessionId 7

        function Get-ListOfSession([string] $Kind) {
            $list = switch ($Kind) {
                'an array' { , @($nat01, $nat02) }
                'an ArrayList' { , [System.Collections.ArrayList] @($nat01, $nat02) }
                'a List[PSSession]' {
                    $list = [System.Collections.Generic.List[System.Management.Automation.Runspaces.PSSession]]::new()
                    $list.Add($nat01)
                    $list.Add($nat02)
                    , $list
                }
                'a wrapped array' { , [psobject]::AsPSObject(@($nat01, $nat02)) }
                '$SshSessions' { , [System.Collections.ArrayList] @($posh) }
                'a mixture' { , [System.Collections.Generic.List[object]] @($nat01, $posh) }
                'lists in a list' { , @(@($nat01), [System.Collections.ArrayList] @($posh)) }
            }
            , $list
        }
    }

    AfterAll {
        @($nat01, $nat02) | Where-Object { $_ } | Remove-PSSession
        if ($posh) { $posh.Session.Dispose() }
        Stop-SshHost -SshHost $server
    }

    Context 'A list of sessions' {
        It '<Kind> is taken by -Session, and by pipeline' -ForEach @(
            @{ Kind = 'an array'; Hosts = '127.9.0.1', '127.9.0.2' }
            @{ Kind = 'an ArrayList'; Hosts = '127.9.0.1', '127.9.0.2' }
            @{ Kind = 'a List[PSSession]'; Hosts = '127.9.0.1', '127.9.0.2' }
            @{ Kind = 'a wrapped array'; Hosts = '127.9.0.1', '127.9.0.2' }
            @{ Kind = '$SshSessions'; Hosts = '127.9.0.3' }
            @{ Kind = 'a mixture'; Hosts = '127.9.0.1', '127.9.0.3' }
            @{ Kind = 'lists in a list'; Hosts = '127.9.0.1', '127.9.0.3' }
        ) {
            $list = Get-ListOfSession $Kind
            (Get-DsaAgentState -Session $list).ComputerName | Sort-Object | Should -Be $Hosts
            ($list | Get-DsaAgentState).ComputerName | Sort-Object | Should -Be $Hosts
            (, $list | Get-DsaAgentState).ComputerName | Sort-Object | Should -Be $Hosts
        }

        It 'without a session in it is refused' {
            { Get-DsaAgentState -Session ([System.Collections.ArrayList] @()) } | Should -Throw '*Session*empty*'
        }

        It 'with something else in it is refused' {
            $list = [System.Collections.ArrayList] @($nat01, 'nat02')
            { Get-DsaAgentState -Session $list } | Should -Throw '*Session*'
        }
    }

    Context 'A session that is not open' {
        It 'of PowerShell says which one it is, and what to type' {
            $way = $server.Way
            $closed = New-PSSession -HostName 127.9.0.4 -Name fourth @way
            Remove-PSSession -Session $closed
            $closed, $nat01 | Get-DsaAgentState -ErrorVariable problem -ErrorAction SilentlyContinue |
                ForEach-Object ComputerName | Should -Be '127.9.0.1'
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'SessionClosed,*'
            $problem[0].TargetObject | Should -Be '127.9.0.4'
            "$($problem[0])" |
                Should -BeLike "127.9.0.4: session $($closed.Id) (fourth) is Closed.*New-PSSession*"
        }

        It 'of Posh-SSH says which one it is, and what to type' {
            $closed = New-PoshSshSession -SshHost $server -HostName 127.9.0.4 -SessionId 9
            $closed.Session.Disconnect()
            Get-DsaAgentState -Session $closed -ErrorVariable problem -ErrorAction SilentlyContinue |
                Should -BeNullOrEmpty
            "$($problem[0])" | Should -BeLike '127.9.0.4: session 9 is Closed.*New-SSHSession*'
        }

        It 'since its far side has ended says that it is broken' {
            $way = $server.Way
            $broken = New-PSSession -HostName 127.9.0.4 @way
            { Invoke-Command -Session $broken -ScriptBlock { Stop-Process -Id $PID -Force } -ErrorAction Stop } |
                Should -Throw
            $broken | Get-DsaAgentState -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            "$($problem[0])" | Should -BeLike '*is Broken.*New-PSSession*'
        }
    }

    Context 'What belongs to a session of Posh-SSH' {
        It 'a <Name> is refused, and the message says which object to give' -ForEach @(
            @{ Name = 'ShellStream' }
            @{ Name = 'SshClient' }
        ) {
            $part = $posh.Session
            if ($Name -eq 'ShellStream') {
                $part = $posh.Session.CreateShellStream('dumb', 80, 24, 0, 0, 1000) |
                    Add-Member -NotePropertyName Session -NotePropertyValue $posh.Session -PassThru
            }
            { Get-DsaAgentState -Session $part } | Should -Throw "*a $Name, which is no session*New-SSHSession*"
            $part | Get-DsaAgentState -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            "$($problem[0])" | Should -BeLike "*a $Name, which is no session*New-SSHSession*"
        }
    }

    Context 'A host written as an address of ssh' {
        It 'is reached by -HostName and by -ComputerName' {
            $address = "ssh://$($server.UserName)@127.9.0.5:$($server.Port)/"
            $remoting = $server.Way.Clone()
            $remoting.Remove('Port')
            $remoting.Remove('UserName')
            (Get-DsaAgentState -HostName $address @remoting).ComputerName | Should -Be $address
            $ssh = @{ KeyFile = $server.KeyFilePath; KnownHostsPath = $server.KnownHostsPath }
            (Get-DsaAgentState -ComputerName $address @ssh).ComputerName | Should -Be $address
        }

        It '<Parameter> refuses one with a path, and says how a host is written' -ForEach @(
            @{ Parameter = 'HostName' }
            @{ Parameter = 'ComputerName' }
        ) {
            $named = @{ $Parameter = 'ssh://nat01/etc' }
            Get-DsaAgentState @named -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            "$($problem[0])" | Should -BeLike "'ssh://nat01/etc' names no host.*ssh://*user@*host*"
        }

        It 'is refused with a path by -JumpHost and -VerifyFrom, too' {
            { Get-DsaAgentState nat01 -JumpHost 'ssh://bastion/etc' -ErrorAction Stop } |
                Should -Throw "'ssh://bastion/etc' names no host*"
            { Repair-DsaNatHost nat01 -VerifyFrom 'ssh://client/etc' -WhatIf -ErrorAction Stop } |
                Should -Throw '*VerifyFrom*ssh://*'
        }
    }
}
