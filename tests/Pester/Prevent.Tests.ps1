<# Keep the rules from being erased: the marker files, and what else protects a host. #>

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
}

Describe 'What prevents' {
    It '<Name> asks by itself: <Asks>' -ForEach @(
        @{ Name = 'Set-DsaMarkerFile'; Asks = $false }
        @{ Name = 'Remove-DsaMarkerFile'; Asks = $true }
        @{ Name = 'Protect-DsaNatHost'; Asks = $false }
        @{ Name = 'Backup-NatIptablesState'; Asks = $false }
        @{ Name = 'Repair-DsaNatHost'; Asks = $true }
        @{ Name = 'Restore-NatIptablesState'; Asks = $true }
    ) {
        $type = (Get-Command $Name).ImplementingType
        $attribute = $type.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false)
        $attribute.SupportsShouldProcess | Should -BeTrue
        $attribute.ConfirmImpact | Should -Be $(if ($Asks) { 'High' } else { 'Medium' })
    }

    It '<_> writes its object with -PassThru, as PowerShell''s own do' -ForEach @(
        'Set-DsaMarkerFile', 'Remove-DsaMarkerFile'
    ) {
        (Get-Command $_).Parameters['PassThru'].SwitchParameter | Should -BeTrue
    }

    It '<_> has no -PassThru: what it did is what it writes' -ForEach @(
        'Protect-DsaNatHost', 'Repair-DsaNatHost', 'Restore-NatIptablesState', 'Backup-NatIptablesState'
    ) {
        (Get-Command $_).Parameters.Keys | Should -Not -Contain 'PassThru'
    }
}

Describe 'The marker file of a host' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Agent 9.5.3-2754.el6
        $target = Get-LabTarget -Lab $lab
    }

    AfterAll { Stop-NatLab $lab }

    It 'is created without a word' {
        Set-DsaMarkerFile @target -Confirm:$false | Should -BeNullOrEmpty
        Test-DsaMarkerFile @target -Quiet | Should -BeTrue
    }

    It 'is written with -PassThru, when it was there already, too' {
        $marker = Set-DsaMarkerFile @target -PassThru
        "$($marker.Kind)" | Should -Be 'RegularFile'
        $marker.Owner | Should -Be 'root'
    }

    It 'stays with -WhatIf, and goes without a word' {
        Remove-DsaMarkerFile @target -WhatIf | Should -BeNullOrEmpty
        Test-DsaMarkerFile @target -Quiet | Should -BeTrue
        Remove-DsaMarkerFile @target -Confirm:$false | Should -BeNullOrEmpty
        Test-DsaMarkerFile @target -Quiet | Should -BeFalse
    }

    It 'is written with -PassThru when it is gone' {
        (Remove-DsaMarkerFile @target -Confirm:$false -PassThru).Present | Should -BeFalse
    }
}
