# What leaves PowerShell: rules as text that iptables-restore takes, states for other programs.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
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

Describe 'A state for other programs' {
    BeforeAll { $state = Get-NatIptablesState -Path "$PSScriptRoot/../../samples/erased.txt" }

    It 'has its status as a word in CSV and in JSON' {
        $state | Export-Csv -LiteralPath TestDrive:/states.csv
        (Import-Csv -LiteralPath TestDrive:/states.csv).Status | Should -Be 'Erased'
        ($state | ConvertTo-Json -Depth 3 -EnumsAsStrings -WarningAction SilentlyContinue | ConvertFrom-Json).Status |
            Should -Be 'Erased'
    }
}
