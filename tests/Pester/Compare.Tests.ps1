#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
    $samples = (Resolve-Path "$PSScriptRoot/../../samples").Path
}

Describe 'Two files are compared' {
    It 'what is gone is Removed, and each difference names its rule' {
        $lost = Compare-NatIptablesState -Reference $samples/working-save.txt -Path $samples/erased-save.txt
        $lost.Count | Should -BeGreaterThan 5
        $nat = $lost | Where-Object Table -EQ nat
        $nat.Kind | Should -Be 'Removed'
        $nat.ReferenceRule.Target | Should -Be 'MASQUERADE'
    }

    It 'the same is no object, and -Quiet says so' {
        $working = "$samples/working-save.txt"
        Compare-NatIptablesState -Reference $working -Path $working | Should -BeNullOrEmpty
        Compare-NatIptablesState -Reference $working -Path $working -Quiet | Should -BeTrue
        Compare-NatIptablesState -Reference $working -Path $samples/erased-save.txt -Quiet | Should -BeFalse
    }
}

Describe 'What is compared' {
    BeforeAll {
        $text = "*nat`n:POSTROUTING ACCEPT [9:9]`n[1:2] -A POSTROUTING -s 10.0.0.0/16 -o ens5 -j MASQUERADE`nCOMMIT`n"
        Push-Location -LiteralPath $TestDrive
        Set-Content -LiteralPath now.rules -Value $text -NoNewline
        $before = $text.Replace('ens5', 'eth0').Replace('[1:2] ', '')
        Set-Content -LiteralPath 'before [1].rules' -Value $before -NoNewline
        Set-Content -LiteralPath cut.rules -Value $text.Substring(0, $text.Length - 8) -NoNewline
        $null = New-Item -ItemType Directory -Path empty
    }

    AfterAll { Pop-Location }

    It 'is a file, a state, a ruleset or text: <_>' -ForEach @(
        'Compare-NatIptablesState -Reference before* -Path now.rules'
        'Compare-NatIptablesState -ReferencePath before* -LiteralPath now.rules'
        'Compare-NatIptablesState -Reference (Get-Item before*) -Path now.rules'
        'Get-NatIptablesState -Path now.rules | Compare-NatIptablesState -Reference before*'
        'Get-Item now.rules | Compare-NatIptablesState -Reference (Get-NatIptablesState -Path before*)'
        '$text | Compare-NatIptablesState -Reference (Get-NatIptablesState -Path before*).Rulesets'
    ) {
        $difference = & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $_"))
        $difference | Should -HaveCount 1
        $difference.Kind | Should -Be 'Changed'
        $difference.ChangedFields | Should -Be 'Out'
        $difference.Table, $difference.Chain | Should -Be 'nat', 'POSTROUTING'
    }

    It 'is an error when it is broken, and never the same' {
        $same = Compare-NatIptablesState -Reference cut.rules -Path cut.rules, now.rules -Quiet 2>&1
        $same | Should -HaveCount 2
        $same.FullyQualifiedErrorId | Should -BeLike 'RulesetSyntax,*'
    }

    It 'is refused when one side is none: <Command>' -ForEach @(
        @{ Command = '-Path now.rules'; Id = 'NotComparable' }
        @{ Command = '-Reference now.rules -Persisted'; Id = 'NotComparable' }
        @{ Command = '-Path now.rules -Reference 5'; Id = 'NotComparable' }
        @{ Command = '-Path now.rules -Reference empty'; Id = 'NotComparable' }
        @{ Command = '-Path now.rules -Reference gone.rules'; Id = 'FileUnreadable' }
    ) {
        $compare = [scriptblock]::Create("Compare-NatIptablesState $Command -ErrorAction Stop")
        $compare | Should -Throw -ErrorId "$Id,*"
    }

    It 'is shown with its place, and old and new under each other' {
        Compare-NatIptablesState -Reference before* -Path now.rules | Out-String -Width 80 |
            Should -Match ('(?m)^now.rules +Changed +IPv4 +nat POSTROUTING 1\s*\n' +
                ' +- -s 10.0.0.0/16 -o eth0 -j\s*\n? *MASQUERADE\s*\n +\+ -s 10.0.0.0/16 -o ens5 -j\s*\n? *MASQUERADE')
    }

    It 'is shown with both numbers of a rule that has moved' {
        $log = '-A POSTROUTING -j LOG'
        $moved = $text -replace '(-A .*)', "`$1`n$log" | Compare-NatIptablesState -Reference (
            $text -replace '(\[.*\] )?(-A .*)', "$log`n`$2" | ConvertFrom-IptablesRuleset)
        $moved.Kind | Should -Be 'Moved'
        $moved | Out-String -Width 80 | Should -Match 'Moved +IPv4 +nat POSTROUTING (1 > 2|2 > 1)'
    }

    It 'does not drive the terminal by a comment in it' {
        $hostile = $text -replace '-o ens5', "-o ens5 -m comment --comment `"`e[2Jx`u{202e}`""
        $shown = $hostile | Compare-NatIptablesState -Reference now.rules | Out-String -Width 116
        $shown | Should -Match '--comment'
        $shown | Should -Not -Match "`e\[2J|`u{202e}"
    }
}

Describe 'A host is compared' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Agent 9.5.3-2754.el6
        $target = Get-LabTarget -Lab $lab
    }

    AfterAll { Stop-NatLab $lab }

    It 'with what it would load at boot: a rule that only runs is Added' {
        Compare-NatIptablesState @target -Persisted | Should -BeNullOrEmpty
        Invoke-OnLabHost $lab 'iptables -A FORWARD -s 192.0.2.0/24 -j DROP'
        $added = Compare-NatIptablesState @target -Persisted
        $added.Kind | Should -Be 'Added'
        $added.ComputerName | Should -Be $lab.Nat
        Invoke-OnLabHost $lab 'iptables -D FORWARD -s 192.0.2.0/24 -j DROP'
    }

    It 'with how it was before the agent erased it' {
        $good = Get-NatIptablesState @target
        Invoke-NatLab $lab 'agent-module', 'firewall', 'on'
        $lost = Compare-NatIptablesState @target -Reference $good
        $lost.Kind | Should -Contain 'Removed'
        $lost.ReferenceRule.Target | Should -Contain 'MASQUERADE'
    }

    It 'with its backup in a folder, however that is named' {
        Invoke-NatLab $lab 'agent-module', 'firewall', 'off'
        Invoke-OnLabHost $lab "sh '$PSScriptRoot/../Lab/lib/renew.sh' standard"
        $folder = "$TestDrive/good"
        $backup = Backup-NatIptablesState @target -Destination $folder
        Invoke-OnLabHost $lab 'iptables -A FORWARD -s 192.0.2.0/24 -j DROP'
        foreach ($reference in $folder, "$folder/$($lab.Nat)", $backup, $backup.Path, "$($backup.Path)/*",
            (Get-ChildItem -LiteralPath $folder), (Get-Item -Path "$($backup.Path)/iptables*.rules")) {
            $added = Compare-NatIptablesState @target -Reference $reference -ErrorAction Stop
            $added | Should -HaveCount 1
            $added.Kind, "$($added.Rule.Source)", $added.ComputerName | Should -Be 'Added', '192.0.2.0/24', $lab.Nat
        }

        Get-Item -Path "$($backup.Path)/iptables*.rules" | Add-Content -Value '-A INPUT -j DROP'
        { Compare-NatIptablesState @target -Reference $folder -ErrorAction Stop } |
            Should -Throw -ErrorId 'BackupDamaged,*'
    }
}
