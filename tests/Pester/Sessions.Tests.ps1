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

    Context 'A host that -HostName does not come to' {
        It 'is told why: <Why>' -ForEach @(
            @{ Why = 'refused'; Id = 'TargetUnreachable'; Words = '*Connection refused*'; With = @{ Port = 1 } }
            @{ Why = 'another key'; Id = 'AuthenticationFailed'; Words = '*Permission denied*'; Key = 'stranger' }
            @{ Why = 'another user'; Id = 'AuthenticationFailed'; Words = '*Permission denied*'
                With = @{ UserName = 'nobody-there' }
            }
            @{ Why = 'no PowerShell'; Id = 'RemotePowerShellMissing'; Words = '*-ComputerName*subsystem request failed*'
                With = @{ Subsystem = 'none' }
            }
            @{ Why = 'host key not known'; Id = 'HostKeyUnknown'; Words = '*No ED25519 host key is known*'
                Option = @{ UserKnownHostsFile = '/dev/null' }
            }
            @{ Why = 'host key changed'; Id = 'HostKeyChanged'; Words = '*ssh-keygen -R*'
                Option = @{ UserKnownHostsFile = 'changed' }
            }
            @{ Why = 'option not known'; Id = 'TargetUnreachable'; Words = '*nosuchoption*'
                Option = @{ NoSuchOption = 'yes' }
            }
        ) {
            $way = $server.Way.Clone()
            foreach ($name in $With.Keys) { $way[$name] = $With[$name] }
            if ($Key) { $way['KeyFilePath'] = Join-Path $server.Folder $Key }
            if ($Option) {
                $way['Options'] = $way['Options'].Clone()
                foreach ($name in $Option.Keys) { $way['Options'][$name] = $Option[$name] }
                if ($way['Options']['UserKnownHostsFile'] -eq 'changed') {
                    $changed = Join-Path $server.Folder 'changed'
                    '* ' + (Get-Content -LiteralPath (Join-Path $server.Folder 'stranger.pub')) | Set-Content $changed
                    $way['Options']['UserKnownHostsFile'] = $changed
                }
            }
            $quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'problem' }
            Get-DsaAgentState -HostName 127.9.0.6 @way @quiet | Should -BeNullOrEmpty
            $problem | Should -HaveCount 1
            $problem[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
            $problem[0].TargetObject | Should -Be '127.9.0.6'
            "$($problem[0])" | Should -BeLike $Words
        }

        It 'by a name that leads nowhere is told, while the others answer' {
            $way = $server.Way
            $quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'problem' }
            (Get-DsaAgentState -HostName nat99.invalid, 127.9.0.6 @way @quiet).ComputerName | Should -Be '127.9.0.6'
            "$($problem[0])" | Should -BeLike '*nat99.invalid could not be reached*resolve hostname*'
        }

        It 'without the key file that was named is told before anything is connected' {
            $way = $server.Way.Clone()
            $way['KeyFilePath'] = '/absent/key'
            Get-DsaAgentState -HostName 127.9.0.6 @way -ErrorAction SilentlyContinue -ErrorVariable problem
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'FileUnreadable,*'
            "$($problem[0])" | Should -BeLike '*/absent/key*-KeyFilePath*'
        }

        It 'leaves nothing on the terminal when the error is silenced' {
            $pwsh = if ([System.IO.Path]::GetFileNameWithoutExtension([Environment]::ProcessPath) -eq 'dotnet') {
                [Environment]::ProcessPath, (Join-Path $PSHOME 'pwsh.dll')
            }
            else {
                @([Environment]::ProcessPath)
            }
            $module = (Get-Module -Name NatDsa).Path
            $command = "Import-Module '$module'; " +
                'Get-DsaAgentState -HostName 127.9.0.6:1, nat99.invalid -ErrorAction SilentlyContinue'
            $arguments = @($pwsh | Select-Object -Skip 1) + '-NoProfile', '-Command', $command
            (& $pwsh[0] @arguments 2>&1) -join "`n" | Should -BeNullOrEmpty
        }
    }

    Context 'An ssh that dies' {
        BeforeAll {
            $script:path = $env:PATH
            function Use-Ssh([string] $Name, [string] $Script) {
                $folder = (New-Item -ItemType Directory -Path (Join-Path $TestDrive "ssh-$Name") -Force).FullName
                $ssh = Join-Path $folder 'ssh'
                "#!/bin/sh`nPATH='$path'`nfolder='$folder'`n$Script`n" | Set-Content -LiteralPath $ssh -NoNewline
                chmod 755 $ssh
                $env:PATH = "$folder$([System.IO.Path]::PathSeparator)$path"
                $folder
            }
        }

        AfterEach {
            $env:PATH = $path
        }

        It '<Name> is an error of each host, and of no other command' -ForEach @(
            @{ Name = 'at once'; Script = 'exit 255'; Words = '*ssh ended with code 255*' }
            @{ Name = 'after it has closed its input'; Words = '*ssh ended with code 255*'
                Script = 'exec 0<&-; sleep 0.3; exit 255'
            }
            @{ Name = 'after a word'; Script = 'echo "no luck today" >&2; exit 255'; Words = '*no luck today*' }
            @{ Name = 'in the midst of a line'; Script = 'printf "<Data "; exit 1'; Words = '*ssh ended with code 1*' }
            @{ Name = 'killed while it connects'; Words = '*ssh ended with code 137*'
                Script = '(exec <&- >&- 2>&-; sleep "0.$(($$ % 4))"; kill -KILL $$) & exec ssh "$@"'
            }
        ) {
            $null = Use-Ssh $Name $Script
            $way = $server.Way
            $hosts = 1..20 | ForEach-Object { "127.9.1.$_" }
            Get-DsaAgentState -HostName $hosts @way -ErrorAction SilentlyContinue -ErrorVariable problem |
                Should -BeNullOrEmpty
            $problem.TargetObject | Sort-Object -Unique | Should -HaveCount 20
            $problem.FullyQualifiedErrorId | Sort-Object -Unique | Should -BeLike 'TargetUnreachable,*'
            $problem | ForEach-Object { "$_" } | Should -BeLike $Words
        }

        It 'between two questions costs the second one a new connection' {
            $way = $server.Way
            $state = Get-DsaAgentState -HostName 127.9.0.6 @way
            Get-Process -Name ssh | Where-Object { $_.CommandLine -like '*127.9.0.6*' } | Stop-Process -Force
            ($state | Get-DsaAgentState).ComputerName | Should -Be '127.9.0.6'
        }

        It 'with its input first is told, and PowerShell lives on' {
            # It reads what another process hands on. Stopped, and without that process, it is gone to whoever writes,
            # and alive to whoever waits for its end.
            $folder = Use-Ssh 'input' @'
mkfifo "$folder/typed"
exec 3<&0
cat <&3 >"$folder/typed" 3<&- &
echo "kill -STOP $$; kill -KILL $!; while readlink /proc/$!/fd/0 >/dev/null; do sleep 0.1; done" >"$folder/lose"
exec 3<&-
exec ssh "$@" <"$folder/typed"
'@
            $way = $server.Way
            $state = Get-DsaAgentState -HostName 127.9.0.7 @way
            sh (Join-Path $folder 'lose')
            $env:PATH = $path
            $state | Get-DsaAgentState -ErrorAction SilentlyContinue -ErrorVariable problem | Should -BeNullOrEmpty
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
            ($state | Get-DsaAgentState).ComputerName | Should -Be '127.9.0.7'
        }

        It 'of nothing, but has said something, says it when the time is up' {
            $null = Use-Ssh 'slow' 'echo "ssh: connect to host ::1 port 22: Connection refused" >&2; exec sleep 60'
            $quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'problem' }
            Get-DsaAgentState -HostName 127.9.0.6 -TimeoutSec 2 @quiet
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'TimedOut,*'
            "$($problem[0])" | Should -BeLike '*within 2 s.*Connection refused*'
            Get-DsaAgentState -HostName 127.9.0.6 -ConnectingTimeout 500 @quiet
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
            "$($problem[0])" | Should -BeLike '*Connection refused*'
        }

        It 'is not needed for -ComputerName, and its absence is told' {
            $env:PATH = (New-Item -ItemType Directory -Path (Join-Path $TestDrive 'empty') -Force).FullName
            $ssh = @{ KeyFile = $server.KeyFilePath; KnownHostsPath = $server.KnownHostsPath; Port = $server.Port }
            (Get-DsaAgentState 127.9.0.6 @ssh).ComputerName | Should -Be '127.9.0.6'
            Get-DsaAgentState -HostName 127.9.0.6 -ErrorAction SilentlyContinue -ErrorVariable problem
            "$($problem[0])" | Should -BeLike '*ssh*PATH*-ComputerName*'
        }
    }
}

Describe 'An object that a file or a job has handed on' {
    BeforeAll {
        # What Export-Clixml, Start-Job and Invoke-Command do with an object.
        function Copy-Received($Value) {
            $xml = [System.Management.Automation.PSSerializer]::Serialize($Value)
            [System.Management.Automation.PSSerializer]::Deserialize($xml)
        }
        $script:quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'problem' }
        $script:ofFile = Copy-Received (Get-NatIptablesState -Path "$PSScriptRoot/../../samples/working.txt")
        if ($IsLinux) { $script:ofMachine = Copy-Received (Get-DsaAgentState) }
    }

    It 'of a file''s rules is refused with words by <Cmdlet>' -ForEach @(
        @{ Cmdlet = 'Get-NatIptablesState' }
        @{ Cmdlet = 'Get-DsaAgentState' }
        @{ Cmdlet = 'Repair-DsaNatHost' }
    ) {
        foreach ($typed in @{}, @{ UserName = 'root' }) {
            $ofFile | & $Cmdlet @typed @quiet | Should -BeNullOrEmpty
            $problem | Should -HaveCount 1
            "$($problem[0])" | Should -BeLike '*comes from a file or a text*-ComputerName*'
        }
    }

    It 'of the machine that it was made on is refused with words by <Cmdlet>' -Skip:(-not $IsLinux) -ForEach @(
        @{ Cmdlet = 'Get-NatIptablesState' }
        @{ Cmdlet = 'Get-DsaAgentState' }
        @{ Cmdlet = 'Repair-DsaNatHost' }
    ) {
        foreach ($typed in @{}, @{ UserName = 'root' }) {
            $ofMachine | & $Cmdlet @typed @quiet | Should -BeNullOrEmpty
            $problem | Should -HaveCount 1
            "$($problem[0])" | Should -BeLike "*what $([Environment]::MachineName) saw of itself*-ComputerName*"
        }
    }

    It 'of <Name> is refused, which each machine calls itself' -Skip:(-not $IsLinux) -ForEach @(
        @{ Name = 'localhost' }
        @{ Name = 'root@LOCALHOST:2222' }
        @{ Name = '127.0.0.1' }
        @{ Name = '[::1]:22' }
    ) {
        $received = Copy-Received (Get-DsaAgentState)
        $received.IsLocal = $false
        $received.ComputerName = $Name
        $received | Get-DsaAgentState @quiet | Should -BeNullOrEmpty
        "$($problem[0])" | Should -BeLike '*saw of itself*'
    }

    It 'is an error NotAHost when it is given as -InputObject' {
        Get-DsaAgentState -InputObject $ofFile @quiet | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'NotAHost,*'
    }

    It 'of a host with a name is reached anew, with the parameters that are typed' -Skip:$noHost {
        Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
        $folder = (New-Item -ItemType Directory -Path (Join-Path $TestDrive 'again')).FullName
        $server = Start-SshHost -Folder $folder
        try {
            $ssh = @{
                UserName       = $server.UserName
                Port           = $server.Port
                KeyFilePath    = $server.KeyFilePath
                KnownHostsPath = $server.KnownHostsPath
            }
            $received = Copy-Received (Get-DsaAgentState -ComputerName 127.9.0.8 @ssh)
            # The one that is refused costs the other nothing.
            ($ofMachine, $received | Get-DsaAgentState @ssh @quiet).ComputerName | Should -Be '127.9.0.8'
            $problem | Should -HaveCount 1
        }
        finally {
            Stop-SshHost -SshHost $server
        }
    }
}
