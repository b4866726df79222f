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

    It 'text from the pipeline is compared with a file' {
        Get-Content $samples/working-save.txt | Compare-NatIptablesState -Reference $samples/working-save.txt -Quiet |
            Should -BeTrue
    }

    It 'a reference that is not there is an error, not a difference' {
        $failed = $null
        $quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'failed' }
        $found = Compare-NatIptablesState -Reference $TestDrive/none -Path $samples/working-save.txt @quiet
        $found | Should -BeNullOrEmpty
        $failed | Should -Not -BeNullOrEmpty
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
}
