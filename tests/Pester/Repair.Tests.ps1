#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
}

Describe 'A host that the agent has erased is repaired: <_>' -Tag Lab -ForEach @(
    'Local', 'Session', 'HostName', 'ComputerName', 'PoshSsh'
) {
    BeforeAll {
        $way = $_
        $lab = Start-NatLab -Agent 9.5.3-2754.el6 -Broken
        $target = Get-LabTarget -Lab $lab -Way $way
        function Ask($command) { Invoke-LabCommand -Lab $lab -Way $way -Target $target -Command $command }
    }

    AfterAll { Stop-NatLab $lab }

    It 'the host is erased, and the client is cut off' {
        "$((Ask 'Get-NatIptablesState @target').Status)" | Should -Be 'Erased'
        Invoke-NatLab $lab 'fetch' -AllowFailure | Should -Match '000 from'
        "$((Ask 'Get-DsaAgentState @target').Risk)" | Should -Be 'ErasesOnNextStart'
    }

    It '-WhatIf changes nothing' {
        Ask 'Repair-DsaNatHost @target -WhatIf'
        "$((Ask 'Get-NatIptablesState @target').Status)" | Should -Be 'Erased'
        Ask 'Test-DsaMarkerFile @target -Quiet' | Should -BeFalse
    }

    It 'the repair brings the internet back to the client' {
        "$((Ask 'Repair-DsaNatHost @target -Confirm:$false').Outcome)" | Should -Be 'Done'
        Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
        "$((Ask 'Get-NatIptablesState @target').Status)" | Should -Be 'Healthy'
        Ask 'Test-DsaMarkerFile @target -Quiet' | Should -BeTrue
    }

    It 'a second repair changes nothing' {
        "$((Ask 'Repair-DsaNatHost @target -Confirm:$false').Outcome)" | Should -Be 'NothingToDo'
    }
}
