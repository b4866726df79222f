# What leaves PowerShell: rules as text that iptables-restore takes, states for other programs.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    Import-Module "$PSScriptRoot/NatDsaObjects.psm1"
    $ofFiles = Get-ObjectName
    $ofHosts = Get-ObjectName -OfHost

    # What is true of every object that a cmdlet writes.
    $promises = {
        It 'is in JSON what a person reads, with no word about its depth' {
            foreach ($several in $object, @($object, $object)) {
                $json = $several | ConvertTo-Json -Depth 3 -EnumsAsStrings -WarningAction Stop -WarningVariable told
                $told | Should -BeNullOrEmpty
                $json | Should -Not -Match 'NatDsa\.|System\.|`\d|AddressFamily|"Ticks"|"IsPrefix"|"Major"'
                $several | ConvertTo-Json -Depth 3 -WarningVariable told -WarningAction SilentlyContinue | Out-Null
                $told | Should -BeNullOrEmpty
            }
            $most = if ($object -is [NatDsa.Netfilter.Ruleset]) { 40kb } else { 6kb }
            ($object | ConvertTo-Json -Depth 3 -EnumsAsStrings).Length | Should -BeLessThan $most
        }

        It 'is in CSV what a person reads: words, and the items of lists' {
            $row = $object | ConvertTo-Csv | ConvertFrom-Csv
            foreach ($property in $row.PSObject.Properties) {
                $property.Value | Should -Not -Match '^(NatDsa|System)\.|`\d|\[\]|<>' -Because $property.Name
                $live = $object.($property.Name)
                if ($live -is [System.Collections.IEnumerable] -and $live -isnot [string]) {
                    $property.Value | Should -BeExactly ($live -join '; ') -Because $property.Name
                }
            }
        }

        It 'has the host in the first column of a CSV, when it has one' {
            $names = ($object | ConvertTo-Csv | ConvertFrom-Csv).PSObject.Properties.Name
            if ($names -contains 'ComputerName') {
                $names[0] | Should -Be 'ComputerName'
            }
            else {
                $object.GetType() | Should -BeIn ([NatDsa.SourceNat], [NatDsa.ChangeStep])
            }
        }

        It 'comes back from Export-Clixml with the same table and list' {
            foreach ($depth in 1, 2, 3) {
                $received = Import-It $object $depth
                foreach ($width in 80, 100, 140) {
                    $received | Out-String -Width $width | Should -BeExactly ($object | Out-String -Width $width)
                    $received | Format-List | Out-String -Width $width |
                        Should -BeExactly ($object | Format-List | Out-String -Width $width)
                }
            }
            $object | Export-Clixml -LiteralPath TestDrive:/it.xml
            Import-Clixml -LiteralPath TestDrive:/it.xml | Out-String | Should -BeExactly ($object | Out-String)
        }

        It 'comes back from Start-Job with the same table and list' {
            # That of a host is serialised as a job does it.
            $received = if ($fromJob) { $fromJob } else { Import-It (Import-It $object 1) 1 }
            $received | Out-String -Width 100 | Should -BeExactly ($object | Out-String -Width 100)
            $received | Format-List | Out-String -Width 100 |
                Should -BeExactly ($object | Format-List | Out-String -Width 100)
        }
    }
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaObjects.psm1", "$PSScriptRoot/NatDsaLab.psm1"
    $samples = "$PSScriptRoot/../../samples"

    # As Export-Clixml, a job or remoting hands it on, as deep as that goes.
    function Import-It($Object, $Depth = 2) {
        $xml = [System.Management.Automation.PSSerializer]::Serialize($Object, $Depth)
        [System.Management.Automation.PSSerializer]::Deserialize($xml)
    }

    # One job for all: a process is what costs.
    $commands = @{}
    foreach ($name in Get-ObjectName) { $commands[$name] = Get-CommandOfFile $name }
    $jobs = @{}
    $manifest = (Resolve-Path -LiteralPath "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1").Path
    $job = Start-Job -ScriptBlock {
        Import-Module $using:manifest
        $commands = $using:commands
        foreach ($name in $commands.Keys) {
            [pscustomobject]@{ Name = $name }
            & ([scriptblock]::Create($commands[$name]))
        }
    }
    if (-not ($job | Wait-Job -Timeout 120)) { throw 'The job that reads the samples was not through after 120 s.' }
    $next = ''
    foreach ($received in $job | Receive-Job -ErrorAction Stop) {
        if ($received.PSObject.TypeNames -contains 'Deserialized.System.Management.Automation.PSCustomObject') {
            $next = $received.Name
        }
        else {
            $jobs[$next] = $received
        }
    }
    $job | Remove-Job
}

Describe 'A ruleset that is read and written' {
    BeforeAll {
        $ErrorActionPreference = 'Stop'
        $head = "*nat`n:POSTROUTING ACCEPT [0:0]`n"
        $text = "$head-A POSTROUTING -j LOG`n-A POSTROUTING -o eth0 -j MASQUERADE`nCOMMIT`n"
        $lines = $text.TrimEnd() -split "`n"
        $ruleset = $text | ConvertFrom-IptablesRuleset
    }

    It 'is the same to the byte: <What>' -ForEach @(
        @{ What = 'a dump'; Text = "*nat`n:POSTROUTING ACCEPT [0:0]`n-A POSTROUTING -j LOG`nCOMMIT`n" }
        @{ What = 'CRLF and blanks'; Text = "*nat`r`n:A - [0:0]`r`n-A A  -j  LOG `r`nCOMMIT`r`n" }
        @{ What = 'made by hand'; Text = "# by hand`n`n*nat`nCOMMIT" }
        @{ What = 'without a line feed at its end'; Text = "*nat`r`nCOMMIT`r`n# the end" }
        @{ What = 'with a byte order mark and empty lines'; Text = "`u{feff}*nat`nCOMMIT`n`n`n" }
    ) {
        $Text | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset | Should -BeExactly $Text
    }

    It 'comes line by line, or as whole texts that follow each other' {
        $lines | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset | Should -BeExactly $text
        $text.TrimEnd(), $text | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset |
            Should -BeExactly ($text + $text)
    }

    It 'comes from files, one ruleset each, in UTF-8 or in Latin-1' {
        $french = $text -replace '-j LOG', "-m comment --comment `"caf$([char] 0xE9)`""
        Set-Content -LiteralPath 'TestDrive:/a[1].v4' -Value $text -NoNewline
        Set-Content -LiteralPath 'TestDrive:/b[1].v4' -Value $text -NoNewline -Encoding utf8BOM
        Set-Content -LiteralPath 'TestDrive:/c[1].v4' -Value $french -NoNewline -Encoding latin1
        ConvertFrom-IptablesRuleset -Path TestDrive:/*.v4 | ConvertTo-IptablesRuleset |
            Should -BeExactly $text, $text, $french
        ConvertFrom-IptablesRuleset -LiteralPath 'TestDrive:/a[1].v4' | ConvertTo-IptablesRuleset |
            Should -BeExactly $text
    }

    It 'is what iptables -S printed, as iptables-restore takes it' {
        '-P PREROUTING ACCEPT', '-P INPUT ACCEPT', '-P OUTPUT ACCEPT', '-P POSTROUTING ACCEPT', '-N X',
        '-A POSTROUTING -o eth0 -j MASQUERADE' | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset |
            Should -BeExactly ("*nat`n:PREROUTING ACCEPT [0:0]`n:INPUT ACCEPT [0:0]`n:OUTPUT ACCEPT [0:0]`n" +
                ":POSTROUTING ACCEPT [0:0]`n:X - [0:0]`n-A POSTROUTING -o eth0 -j MASQUERADE`nCOMMIT`n")
    }

    It 'is that of a state' {
        $text | Get-NatIptablesState | ConvertTo-IptablesRuleset | Should -BeExactly $text
    }

    It 'is changed in between by <Change>' -ForEach @(
        @{ Change = '$ruleset.Without(($ruleset.Rules | Where-Object Target -EQ LOG))'
            Was = "-A POSTROUTING -j LOG`n"; Is = '' }
        @{ Change = '$ruleset.Without(($ruleset.Rules | Where-Object Target -EQ DROP))'; Was = 'LOG'; Is = 'LOG' }
        @{ Change = '$ruleset.Without($ruleset.Rules)'
            Was = "-A POSTROUTING -j LOG`n-A POSTROUTING -o eth0 -j MASQUERADE`n"; Is = '' }
        @{ Change = '$ruleset.With("nat", "-I POSTROUTING -s 10.0.0.0/8 -j ACCEPT", "-N X")'
            Was = "[0:0]`n"; Is = "[0:0]`n:X - [0:0]`n-A POSTROUTING -s 10.0.0.0/8 -j ACCEPT`n" }
        @{ Change = '$ruleset.With($ruleset.Tables[0], "-P POSTROUTING DROP")'; Was = 'ACCEPT'; Is = 'DROP' }
        @{ Change = '$ruleset.Replace({ param($rule) $rule.Text -replace "eth0", "ens5" })'
            Was = 'eth0'; Is = 'ens5' }
        @{ Change = '($x = $ruleset.With("nat", "-N X", "-A POSTROUTING -j X")).WithoutChain(' +
            '($x.Tables.Chains | Where-Object Name -EQ X))'; Was = 'eth0'; Is = 'eth0' }
    ) {
        & ([scriptblock]::Create($Change)) | ConvertTo-IptablesRuleset | Should -BeExactly $text.Replace($Was, $Is)
    }

    It 'is read on after a broken line, and is then not written' {
        $broken = $text -replace '-j LOG', '-s 10.0.0.0/99'
        $part = $broken | ConvertFrom-IptablesRuleset -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'RulesetSyntax,*'
        $failed[0].Exception.Line, $failed[0].Exception.Column, $failed[0].Exception.Word |
            Should -Be 3, 19, '10.0.0.0/99'
        $part.IsPartial | Should -BeTrue
        $part.Rules.Target | Should -Be 'MASQUERADE'

        $written = $part | ConvertTo-IptablesRuleset -ErrorAction SilentlyContinue -ErrorVariable failed
        $written | Should -BeNullOrEmpty
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'RulesetNotWritable,*'
    }
}

Describe 'Out of PowerShell, <_> of a file' -ForEach $ofFiles {
    BeforeAll {
        $object = (Get-ObjectOfFile)[$_]
        $fromJob = $jobs[$_]
    }

    . $promises
}

Describe 'Out of PowerShell, of a host' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Broken -Agent 9.5.3-2754.el6
        $live = Get-ObjectOfHost -Lab $lab
    }

    AfterAll { Stop-NatLab $lab }

    Context '<_>' -ForEach $ofHosts {
        BeforeAll {
            $object = $live[$_]
            $fromJob = $null
        }

        . $promises

        It 'says how its host was reached to nobody' {
            foreach ($written in ($object | ConvertTo-Json -Depth 9 -WarningAction SilentlyContinue),
                (ConvertTo-Xml $object), ($object | ConvertTo-Csv),
                [System.Management.Automation.PSSerializer]::Serialize($object, 9)) {
                $written | Out-String -Width 100000 | Should -Not -BeLike "*$($lab.KeyFilePath)*"
            }
            (Import-It $object).PSObject.Properties.Name | Should -Not -Contain 'Origin'
            if ($object -isnot [NatDsa.Netfilter.Rule]) {
                $object.PSObject.Properties.Name | Should -Not -Contain 'Target'
                (Import-It $object).PSObject.Properties.Name | Should -Not -Contain 'Target'
            }
        }
    }

    Context 'what it writes itself, back by Invoke-Command,' {
        It 'reads as it does there: <_>' -ForEach @(
            'Get-NatIptablesState', 'Get-NatIptablesRule -Table nat', 'Get-DsaAgentState', 'Test-DsaMarkerFile',
            'Backup-NatIptablesState', 'Repair-DsaNatHost -Confirm:$false', '(Get-NatIptablesState).Rulesets'
        ) {
            $session = (Get-LabTarget -Lab $lab -Way Session).Session
            try {
                $there = [scriptblock]::Create("`$here = $_; `$here | Out-String -Width 100; `$here")
                # Without the column that PowerShell adds to say where an object is from.
                $text, $received = Invoke-Command -Session $session -ScriptBlock $there -HideComputerName
                $received | Out-String -Width 100 | Should -BeExactly $text
            }
            finally {
                Remove-PSSession $session
            }
        }
    }
}

Describe 'What was imported' {
    BeforeAll { $state = Import-It (Get-NatIptablesState -Path $samples/working-save.txt) }

    It 'compares by the words of its enums' {
        $state.Status | Should -BeOfType [string]
        $state | Where-Object Status -EQ Healthy | Should -Not -BeNullOrEmpty
        $state.SourceNat[0].Kind | Should -Be 'Masquerade'
    }

    It 'has all of the rules, as text' {
        $text = $state.Rulesets.Text | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset
        $text | Should -BeExactly (Get-Content -LiteralPath $samples/working-save.txt -Raw)
    }

    It 'can be read without the module' {
        $state | Export-Clixml -LiteralPath TestDrive:/state.xml
        $file = (Get-Item -LiteralPath TestDrive:/state.xml).FullName
        $text = Invoke-Pwsh -WithoutModule "Import-Clixml -LiteralPath '$file' | Out-String -Width 200"
        $text | Out-String | Should -Match 'Status +: Healthy'
        $text | Out-String | Should -Match 'SourceNatRules +: {-A POSTROUTING -s 10.0.0.0/16 -o eth0 -j MASQUERADE}'
        $text | Out-String | Should -Not -Match 'NatDsa\.'
    }
}

Describe 'An enum of the module' {
    It 'is a word when it is imported' {
        $enums = [NatDsa.NatStatus].Assembly.GetExportedTypes() | Where-Object IsEnum
        # It tells a reader what to do, and is no property of anything.
        $enums = $enums | Where-Object Name -NE RulesetReadMode
        foreach ($enum in $enums) {
            $value = [enum]::GetValues($enum)[-1]
            $received = Import-It ([pscustomobject]@{ Is = $value })
            $received.Is | Should -BeOfType [string] -Because $enum
            $received.Is | Should -Be "$value"
        }
    }
}
