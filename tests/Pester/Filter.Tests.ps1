# The rules that matter out of many.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $rules = "$PSScriptRoot/../../samples/working-save.txt"
}

Describe 'Rules' {
    It 'are all there when nothing is asked for, in the order of the file' {
        (Get-NatIptablesRule -Path $rules).Text |
            Should -Be (Get-Content -LiteralPath $rules | Where-Object { $_ -like '-A *' })
    }

    It 'are those of -<Name> <Word>, whatever the case' -ForEach @(
        @{ Name = 'Table'; Word = 'NAT'; Property = 'Table'; Is = @('nat') }
        @{ Name = 'Table'; Word = 'n*', 'filter'; Property = 'Table'; Is = 'filter', 'nat' }
        @{ Name = 'Chain'; Word = 'post*', 'Input'; Property = 'Chain'; Is = 'INPUT', 'POSTROUTING' }
        @{ Name = 'Target'; Word = 'masq*', 'SNAT'; Property = 'Target'; Is = @('MASQUERADE') }
    ) {
        $asked = @{ $Name = $Word }
        $found = Get-NatIptablesRule -Path $rules @asked
        $found.$Property | Sort-Object -Unique | Should -Be $Is
        $found | Should -HaveCount @(Get-NatIptablesRule -Path $rules | Where-Object $Property -In $Is).Count
    }

    It 'are those that -Table, -Chain and -Target all allow' {
        (Get-NatIptablesRule -Path $rules -Table nat -Chain POSTROUTING -Target MASQUERADE).Text |
            Should -Be '-A POSTROUTING -s 10.0.0.0/16 -o eth0 -j MASQUERADE'
        Get-NatIptablesRule -Path $rules -Table filter -Target MASQUERADE | Should -BeNullOrEmpty
    }

    It 'are found and grouped by what PowerShell has for that' {
        $found = Get-NatIptablesRule -Path $rules
        ($found | Where-Object IsSourceNat).Table | Should -Be 'nat'
        $found | Group-Object -Property Table | ForEach-Object Name | Sort-Object | Should -Be 'filter', 'nat'
    }

    It 'come one by one, with the error of a broken line at its place' {
        $text = "*nat`n:POSTROUTING ACCEPT [0:0]`n-A POSTROUTING -j LOG`n-A POSTROUTING -s 10.0.0.0/99`n" +
            "-A POSTROUTING -o eth0 -j MASQUERADE`nCOMMIT`n"
        $told = $text | Get-NatIptablesRule 2>&1 | ForEach-Object {
            if ($_ -is [System.Management.Automation.ErrorRecord]) { $_.FullyQualifiedErrorId } else { $_.Target }
        }
        $told | Should -Be 'LOG', 'RulesetSyntax,NatDsa.Cmdlets.GetNatIptablesRule', 'MASQUERADE'
        $before = @()
        try { $text | Get-NatIptablesRule -ErrorAction Stop | ForEach-Object { $before += $_.Target } }
        catch { $before += $_.FullyQualifiedErrorId }
        $before | Should -Be $told[0..1]
    }
}
