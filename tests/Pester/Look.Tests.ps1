# What is asked: the words of a command, before any host answers; and what is told while one does.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
    $noHost = -not (Test-SshHost)
    $cmdlets = (Get-Command -Module NatDsa).Name
    $ofHosts = (Get-Command -Module NatDsa -ParameterName ComputerName).Name
    $ofText = (Get-Command -Module NatDsa -ParameterName Text).Name
    $ofBoth = $ofHosts | Where-Object { $_ -in $ofText }
    $reads = $ofBoth | Where-Object { $_ -like 'Get-*' }
    $changes = 'Set-DsaMarkerFile', 'Remove-DsaMarkerFile', 'Protect-DsaNatHost', 'Repair-DsaNatHost',
        'Backup-NatIptablesState', 'Restore-NatIptablesState'
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $samples = "$PSScriptRoot/../../samples"

    # A login that no key has to be found for. Nobody listens at port 1.
    $nobody = [pscredential]::new('nobody', [securestring]::new())

    function Get-Failure([scriptblock] $Command) {
        $failed = $null
        try {
            $null = & $Command 2>&1 | Tee-Object -Variable said
            $failed = @($said | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] })
        }
        catch {
            $failed = @($_)
        }

        $failed
    }
}

Describe 'The words of <_>' -ForEach $ofHosts {
    It 'are of this machine when there are none' {
        (Get-Command $_).DefaultParameterSet | Should -Be 'Local'
    }

    It 'name hosts in five ways' {
        $sets = (Get-Command $_).ParameterSets.Name
        foreach ($set in 'Local', 'Session', 'HostName', 'ComputerName', 'InputObject') {
            $sets | Should -Contain $set
        }
    }

    It 'begin with a host, a session or an object that need no name of a parameter' {
        $first = (Get-Command $_).ParameterSets.Parameters | Where-Object Position -EQ 0
        $first.Name | Sort-Object -Unique | Should -Be 'ComputerName', 'InputObject', 'Session'
    }

    It 'have the same limits and the same root for each way' {
        foreach ($set in (Get-Command $_).ParameterSets | Where-Object Name -NotIn 'Path', 'LiteralPath', 'Text') {
            foreach ($name in 'ThrottleLimit', 'TimeoutSec', 'Sudo', 'SudoPassword') {
                $set.Parameters.Name | Should -Contain $name -Because $set.Name
            }
        }
    }
}

Describe 'The files and text of <_>' -ForEach $ofText {
    It 'have no parameter of hosts beside them' {
        $hosts = 'ComputerName', 'HostName', 'Session', 'InputObject', 'UserName', 'Port', 'Credential',
            'KeyFilePath', 'KnownHostsPath', 'AcceptNewHostKey', 'JumpHost', 'Subsystem', 'Options',
            'ConnectingTimeout', 'ThrottleLimit', 'TimeoutSec', 'Sudo', 'SudoPassword', 'Persisted'
        $sets = (Get-Command $_).ParameterSets | Where-Object Name -In 'Path', 'LiteralPath', 'Text'
        $sets | Should -HaveCount 3
        $sets.Parameters.Name | Where-Object { $_ -in $hosts } | Should -BeNullOrEmpty
    }
}

Describe 'Every cmdlet' {
    It '<_> has no set that another one hides' -ForEach $cmdlets {
        $command = Get-Command $_
        $mandatory = $command.ParameterSets | ForEach-Object {
            ($_.Parameters | Where-Object IsMandatory | ForEach-Object Name | Sort-Object) -join ' '
        }
        $mandatory | Sort-Object -Unique | Should -HaveCount $command.ParameterSets.Count
    }

    It '<_> gives no place to a word but the first' -ForEach $cmdlets {
        (Get-Command $_).ParameterSets.Parameters | Where-Object Position -GT 0 | Should -BeNullOrEmpty
    }

    It '<_> only looks: it has no -WhatIf' -ForEach @(
        $cmdlets | Where-Object { $_ -notin $changes -and $_ -ne 'Export-DsaHostCommand' }
    ) {
        (Get-Command $_).Parameters.Keys | Should -Not -Contain 'WhatIf'
    }

    It '<_> changes something: it has -WhatIf and -Confirm' -ForEach $changes {
        (Get-Command $_).Parameters.Keys | Should -Contain 'WhatIf'
        (Get-Command $_).Parameters.Keys | Should -Contain 'Confirm'
    }
}

Describe 'A bare word' {
    It 'is a host to <_>' -ForEach $ofBoth {
        $reference = if ($_ -like 'Compare-*') { @{ Reference = "$samples/erased-save.txt" } } else { @{} }
        $failed = Get-Failure { & $_ 127.0.0.1:1 -Credential $nobody @reference }
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
        $failed[0].TargetObject | Should -Be '127.0.0.1:1'
    }

    It 'is a host to Repair-DsaNatHost' {
        $failed = Get-Failure { Repair-DsaNatHost 127.0.0.1:1 -Credential $nobody -WhatIf }
        $failed.TargetObject | Should -Be '127.0.0.1:1'
    }

    It 'that is the name of a file says that files have -Path' {
        $failed = Get-Failure { Get-NatIptablesState $samples/erased.txt -Credential $nobody }
        $failed[0].ErrorDetails.Message | Should -BeLike '*-Path *erased.txt*'
    }

    It 'can be a file as Get-ChildItem has it, and says the same' {
        $failed = Get-Failure { Get-NatIptablesState (Get-Item $samples/erased.txt) }
        $failed[0].Exception.Message | Should -BeLike '*-Path *erased.txt*'
    }

    It 'can be several, in whatever list' {
        $names = '127.0.0.1', '127.0.0.2'
        foreach ($list in $names, [System.Collections.Generic.List[string]]$names,
            [System.Collections.ArrayList]$names, [System.Net.IPAddress[]]$names) {
            $failed = Get-Failure { Get-NatIptablesState $list -Credential $nobody -Port 1 }
            $failed.TargetObject | Sort-Object | Should -Be $names
            $failed | Should -HaveCount 2
        }
    }
}

Describe 'A word by pipeline' {
    It 'is text to <_>, whose error says what to type for a host' -ForEach $reads {
        $failed = Get-Failure { 'nat01', 'nat02' | & $_ }
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'RulesetSyntax,*'
        "$($failed[0])" | Should -BeLike '*-ComputerName nat01*'
    }

    It 'that is a file says what to type for that' {
        $piped, $typed = (Get-Failure { "$samples/erased.txt" | Get-NatIptablesState }),
            (Get-Failure { ConvertFrom-IptablesRuleset "$samples/erased.txt" })
        "$($piped[0])" | Should -BeLike '*-Path *erased.txt*'
        "$($typed[0])" | Should -BeLike '*-Path *erased.txt*'
    }

    It 'that is neither says neither' -ForEach @('', "*nat`n", 'sh: iptables-save: command not found') {
        "$((Get-Failure { $_ | Get-NatIptablesState })[0])" | Should -Not -Match '-ComputerName|-Path'
    }

    It 'is no host to a cmdlet that asks none' {
        "$((Get-Failure { 'nat01' | ConvertFrom-IptablesRuleset })[0])" | Should -Not -Match '-ComputerName'
    }

    It 'is a host to <Cmdlet> with -<Name> in the line' -ForEach @(
        foreach ($cmdlet in $reads) {
            @{ Cmdlet = $cmdlet; Name = 'UserName'; With = @{ UserName = 'root' } }
            @{ Cmdlet = $cmdlet; Name = 'Port'; With = @{ Port = 1 } }
            @{ Cmdlet = $cmdlet; Name = 'TimeoutSec'; With = @{ TimeoutSec = 20 } }
            @{ Cmdlet = $cmdlet; Name = 'ThrottleLimit'; With = @{ ThrottleLimit = 2 } }
            @{ Cmdlet = $cmdlet; Name = 'Sudo'; With = @{ Sudo = $true } }
            @{ Cmdlet = $cmdlet; Name = 'KnownHostsPath'; With = @{ KnownHostsPath = 'none' } }
        }
    ) {
        $failed = Get-Failure { '127.0.0.1:1', '127.0.0.2:1' | & $Cmdlet @With }
        $failed.TargetObject | Sort-Object | Should -Be '127.0.0.1:1', '127.0.0.2:1'
    }

    It 'is a host to <_>, which reads no text' -ForEach @(
        'Get-DsaAgentState', 'Test-DsaMarkerFile', 'Set-DsaMarkerFile', 'Test-NatEgress', 'Backup-NatIptablesState'
    ) {
        $failed = Get-Failure { '127.0.0.1:1', '127.0.0.2:1' | & $_ -Credential $nobody }
        $failed.TargetObject | Sort-Object | Should -Be '127.0.0.1:1', '127.0.0.2:1'
        $failed.FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
    }

    It 'keeps what a program says on its standard error, beside its rules' {
        $said = Get-Content $samples/erased-save.txt
        $warning = [System.Management.Automation.ErrorRecord]::new(
            [System.Management.Automation.RemoteException]::new('# Warning: iptables-legacy tables present'),
            'NativeCommandError', 'NotSpecified', $null)
        @($said) + $warning | Get-NatIptablesState | ForEach-Object Status | Should -Be 'Erased'
    }
}

Describe 'A row of an inventory' {
    It 'names its host in a column: <Row>' -ForEach @(
        @{ Row = [pscustomobject]@{ ComputerName = '127.0.0.1' } }
        @{ Row = [pscustomobject]@{ ComputerName = '127.0.0.1'; Port = '1' } }
        @{ Row = [pscustomobject]@{ ComputerName = '127.0.0.1'; Port = '1'; UserName = 'root' } }
        @{ Row = [pscustomobject]@{ ComputerName = [ipaddress]'127.0.0.1'; Port = 1 } }
        @{ Row = [pscustomobject]@{ Name = 'other'; ComputerName = '127.0.0.1'; Role = 'nat' } }
    ) {
        foreach ($cmdlet in 'Get-NatIptablesState', 'Get-NatIptablesRule', 'Get-DsaAgentState') {
            $failed = Get-Failure { $Row | & $cmdlet -KnownHostsPath none -TimeoutSec 20 }
            $failed | Should -HaveCount 1
            $failed.TargetObject | Should -Be '127.0.0.1'
        }
    }

    It 'that is given as a name is told to be piped in' {
        $row = [pscustomobject]@{ ComputerName = '127.0.0.1'; Port = '1' }
        foreach ($cmdlet in 'Get-NatIptablesState', 'Get-DsaAgentState') {
            "$((Get-Failure { & $cmdlet $row })[0])" | Should -BeLike '*pipe it in*'
        }
    }

    It 'without one is told which it needs' {
        foreach ($cmdlet in 'Get-NatIptablesState', 'Get-NatIptablesRule', 'Get-DsaAgentState') {
            $failed = Get-Failure { [pscustomobject]@{ Name = 'nat01' } | & $cmdlet }
            $failed | Should -HaveCount 1
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
            "$($failed[0])" | Should -BeLike '*ComputerName*'
        }
    }
}

Describe 'What makes no sense' {
    It 'is refused before any host is touched: <_>' -ForEach @(
        'Get-NatIptablesState -HostName nat01 -Path x.txt'
        'Get-NatIptablesState -Path x.txt -TimeoutSec 5'
        'Get-NatIptablesState -TimeoutSec 0'
        'Get-NatIptablesState -HostName nat01 -Port 70000'
        'Get-NatIptablesState -HostName ""'
        'Compare-NatIptablesState -Path x.txt -Persisted'
        'Test-NatEgress -Uri ftp://a.example/'
        'Repair-DsaNatHost -VerifyFrom "not a host" -WhatIf'
        'Repair-DsaNatHost -VerifyUri file:///etc/passwd -WhatIf'
        'Repair-DsaNatHost -RulesPath /no/such/file -WhatIf'
    ) {
        $failed = Get-Failure ([scriptblock]::Create($_))
        $failed | Should -HaveCount 1
        $failed[0].CategoryInfo.Category | Should -BeIn 'InvalidArgument', 'InvalidData', 'ReadError'
    }

    It 'is repairing a host of which there is but a text' {
        $failed = Get-Failure { Get-NatIptablesState -Path $samples/erased.txt | Repair-DsaNatHost -Confirm:$false }
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'NotAHost,*'
    }
}

Describe 'A saved ruleset' {
    BeforeAll {
        $ErrorActionPreference = 'Stop'
        $text = Get-Content -LiteralPath $samples/working.txt -Raw
    }

    It '<File> is <Status>, as a file, as lines and as one string' -ForEach @(
        @{ File = 'working.txt'; Status = 'Healthy' }
        @{ File = 'working.en.txt'; Status = 'Healthy' }
        @{ File = 'working-save.txt'; Status = 'Healthy' }
        @{ File = 'working-list.txt'; Status = 'Healthy' }
        @{ File = 'working-nft.json'; Status = 'Healthy' }
        @{ File = 'working-native-nft.json'; Status = 'Healthy' }
        @{ File = 'erased.txt'; Status = 'Erased' }
        @{ File = 'erased.en.txt'; Status = 'Erased' }
        @{ File = 'erased-save.txt'; Status = 'Erased' }
        @{ File = 'erased-list.txt'; Status = 'Erased' }
        @{ File = 'erased-nft.json'; Status = 'Erased' }
    ) {
        (Get-NatIptablesState -Path $samples/$File).Status | Should -Be $Status
        (Get-Content -LiteralPath $samples/$File | Get-NatIptablesState).Status | Should -Be $Status
        (Get-Content -LiteralPath $samples/$File -Raw | Get-NatIptablesState).Status | Should -Be $Status
        (Get-NatIptablesState -Text (Get-Content -LiteralPath $samples/$File)).Status | Should -Be $Status
    }

    It 'is found by a wildcard, by Get-ChildItem, and from where I am' {
        $files = (Get-ChildItem -Path $samples/*.txt).FullName
        (Get-NatIptablesState -Path $samples/*.txt).Path | Should -Be $files
        (Get-ChildItem -Path $samples/*.txt | Get-NatIptablesState).Path | Should -Be $files
        Push-Location -LiteralPath $samples
        try { (Get-NatIptablesState -Path ./erased.txt).Status | Should -Be 'Erased' }
        finally { Pop-Location }
    }

    It 'has brackets in its name, which -LiteralPath takes as they are' {
        Copy-Item -LiteralPath $samples/erased.txt -Destination 'TestDrive:/nat[01].txt'
        (Get-NatIptablesState -LiteralPath 'TestDrive:/nat[01].txt').Path | Should -Be "$TestDrive/nat[01].txt"
    }

    It 'is a value of any provider that has text' {
        $env:NATDSA_TEST_RULES = Get-Content -LiteralPath $samples/erased-save.txt -Raw
        try { (Get-NatIptablesState -Path Env:NATDSA_TEST_RULES).Status | Should -Be 'Erased' }
        finally { $env:NATDSA_TEST_RULES = $null }
    }

    It 'comes from Windows, with CRLF and in <_>' -ForEach 'utf8', 'utf8BOM', 'unicode' {
        $file = @{ LiteralPath = "$TestDrive/windows.txt" }
        Set-Content @file -Value ($text -replace "`n", "`r`n") -Encoding $_ -NoNewline
        $state = Get-NatIptablesState @file
        $state.Status | Should -Be 'Healthy'
        $state.RuleCount | Should -Be 2
    }

    It 'may have fifty megabytes' {
        $rule = "-A POSTROUTING -s 10.0.0.1/32 -o eth0 -m comment --comment `"one of many rules`" -j MASQUERADE`n"
        $file = "$TestDrive/large.rules"
        Set-Content $file -NoNewline "*nat`n:POSTROUTING ACCEPT [0:0]`n", ($rule * 600000), "COMMIT`n"
        (Get-Item -LiteralPath $file).Length | Should -BeGreaterThan 50MB
        $state = Get-NatIptablesState -Path $file
        $state.Status | Should -Be 'Healthy'
        $state.RuleCount | Should -Be 600000
    }
}

Describe 'What is no whole ruleset' {
    It 'is unknown, with one error that says where: <What>' -ForEach @(
        @{ What = 'nothing'; Text = '' }
        @{ What = 'blanks'; Text = " `r`n`t`n" }
        @{ What = 'prose'; Text = "Hello`nworld`n" }
        @{ What = 'what a shell says'; Text = "sh: iptables-save: command not found`n" }
        @{ What = 'JSON that is cut off'; Text = '{"a":[' }
        @{ What = 'HTML'; Text = '<html><body>*nat</body></html>' }
        @{ What = 'a dump that is cut off'; Text = "*nat`n:POSTROUTING ACCEPT [0:0]`n-A POSTROUTING -j MASQUERADE" }
        @{ What = 'a table that does not end'; Text = "*nat`n" }
        @{ What = 'the head of a status'; Text = "`u{30C6}`u{30FC}`u{30D6}`u{30EB}: nat" }
    ) {
        $file = "$TestDrive/bad.txt"
        Set-Content -LiteralPath $file -Value $Text -NoNewline
        $state = Get-NatIptablesState -Path $file -ErrorAction SilentlyContinue -ErrorVariable failed
        $state.Status | Should -Be 'Unknown'
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'RulesetSyntax,*'
        $failed[0].CategoryInfo.Category | Should -Be 'ParserError'
        $failed[0].TargetObject | Should -Be $file
        "$($failed[0])" | Should -Match 'Line [123], column [0-9]+'
    }

    It 'may be a program, whose bytes do not reach the terminal' {
        $bytes = [byte[]]::new(1MB)
        [Random]::new(7).NextBytes($bytes)
        [System.IO.File]::WriteAllBytes("$TestDrive/program", $bytes)
        $state = Get-NatIptablesState -Path $TestDrive/program -ErrorAction SilentlyContinue -ErrorVariable failed
        $state.Status | Should -Be 'Unknown'
        $failed | Should -HaveCount 1
        $state.Reason, "$($failed[0])" | Should -Not -Match '\p{Cc}'
    }

    It 'may have fifty megabytes, and still a short error' {
        Set-Content -LiteralPath $TestDrive/large.bin -Value ('x' * 50MB) -NoNewline
        $state = Get-NatIptablesState -Path $TestDrive/large.bin -ErrorAction SilentlyContinue -ErrorVariable failed
        $state.Status | Should -Be 'Unknown'
        $failed | Should -HaveCount 1
        "$($failed[0])".Length | Should -BeLessThan 1000
    }
}

Describe 'A file that cannot be read' {
    It 'is one error, and the others are read' {
        $failed = $null
        $both = "$samples/none.txt", "$samples/erased.txt"
        (Get-NatIptablesState -Path $both -ErrorAction SilentlyContinue -ErrorVariable failed).Status |
            Should -Be 'Erased'
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'FileUnreadable,*'
    }

    It 'ends a script that has -ErrorAction Stop, and $? tells one that goes on' {
        { Get-NatIptablesState -LiteralPath $samples/none.txt -ErrorAction Stop } | Should -Throw '*none.txt*'
        Get-NatIptablesState -LiteralPath $samples/none.txt -ErrorAction SilentlyContinue
        $? | Should -BeFalse
    }

    It 'may be a folder, and the error says what to name instead' {
        $failed = Get-Failure { Get-NatIptablesState -Path $samples }
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'FileUnreadable,*'
        "$($failed[0])" | Should -BeLike "*$((Resolve-Path -LiteralPath $samples).Path)/``* for all of them*"
    }
}

Describe 'What the terminal shows' {
    It 'is never what a rule wants it to do' {
        $rules = "*nat`n:POSTROUTING ACCEPT [0:0]`n" +
            "-A POSTROUTING -m comment --comment `"`e]0;owned`a`u{202e}`" -j MASQUERADE`nCOMMIT`n"
        $styled = [regex] "`e\[[0-9;]*m"
        foreach ($object in ($rules | Get-NatIptablesRule), ($rules | Get-NatIptablesState)) {
            foreach ($shown in ($object | Out-String), ($object | Format-List | Out-String)) {
                $styled.Replace($shown, '') | Should -Not -Match "[`e`a`u{202e}]"
            }
        }
        $rules | Get-NatIptablesRule | Format-List | Out-String | Should -Match 'owned'
    }

    It 'is, of a state as a list, the rules that its status rests on' {
        Get-NatIptablesState -Path $samples/working-save.txt | Format-List | Out-String |
            Should -Match 'SourceNatRules\s*:.*MASQUERADE'
    }

    It 'has no colours where output is plain' {
        $rendering = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'Ansi'
            Get-NatIptablesState -Path $samples/erased.txt | Out-String | Should -Match "`e\[.*Erased"
            $PSStyle.OutputRendering = 'PlainText'
            Get-NatIptablesState -Path $samples/erased.txt | Out-String | Should -Not -Match "`e"
        }
        finally {
            $PSStyle.OutputRendering = $rendering
        }
    }
}

Describe 'A machine without netfilter' -Skip:$IsLinux {
    It 'has no state of its own' {
        $failed = Get-Failure { Get-NatIptablesState }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'NotLinux,*'
    }
}

Describe 'What -Verbose tells' -Skip:$noHost {
    BeforeAll {
        Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
        $server = Start-SshHost -Folder (New-Item -ItemType Directory -Path (Join-Path $TestDrive 'sshd')).FullName
        $computer = @{
            KeyFilePath    = $server.KeyFilePath
            KnownHostsPath = $server.KnownHostsPath
            Port           = $server.Port
        }

        function Get-Told([scriptblock] $Command) {
            & $Command 4>&1 |
                Where-Object { $_ -is [System.Management.Automation.VerboseRecord] } |
                ForEach-Object { $_.Message -replace '\d+\.\d\d s', 'N s' }
        }
    }

    AfterAll { Stop-SshHost $server }

    It 'is what was asked, how long it took, and over which connection: <Way>' -ForEach @(
        @{ Way = 'ComputerName'; Over = 'ssh USER@127.9.1.1:PORT, logged in with *' }
        @{ Way = 'HostName'; Over = 'PowerShell remoting by ssh USER@127.9.1.1:PORT' }
    ) {
        $way_ = if ($Way -eq 'HostName') { $server.Way } else { $computer }
        $where_ = @{ $Way = '127.9.1.1' }
        $over_ = $Over -replace 'USER', [Environment]::UserName -replace 'PORT', $server.Port
        $asked = Get-Told { Get-DsaAgentState @where_ @way_ -Verbose }
        $asked | Should -BeLike "127.9.1.1: read marker, agent in N s over $over_ (new connection)"
        $again = Get-Told { Get-DsaAgentState @where_ @way_ | Test-DsaMarkerFile -Verbose }
        $again | Should -BeLike "127.9.1.1: read marker, agent in N s over $over_ (kept connection)"
    }
}
