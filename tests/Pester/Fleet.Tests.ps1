#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
}

Describe 'A fleet of three, one erased, one sound, one dead' -Tag Lab {
    BeforeAll {
        $erased = Start-NatLab -Agent 9.5.3-2754.el6 -Broken
        $sound = Start-NatLab
        $dead = '127.255.255.254'
        $target = Get-LabTarget -Lab $erased
        $target.ComputerName = $erased.Nat, $dead, $sound.Nat
    }

    AfterAll {
        Stop-NatLab $erased
        Stop-NatLab $sound
    }

    It 'each host answers or is an error that names it; none is lost' {
        $states = Get-NatIptablesState @target -ErrorAction SilentlyContinue -ErrorVariable failed
        $told = @($states.ComputerName) + @($failed.TargetObject)
        $told | Sort-Object | Should -Be ($target.ComputerName | Sort-Object)
    }

    It '-ThrottleLimit 1 asks one after another, with the same answers' {
        $states = Get-NatIptablesState @target -ThrottleLimit 1 -ErrorAction SilentlyContinue
        $states | Sort-Object ComputerName | ForEach-Object { "$($_.ComputerName) $($_.Status)" } |
            Should -Be ("$($erased.Nat) Erased", "$($sound.Nat) Healthy" | Sort-Object)
    }

    It 'those that are erased are repaired, over the connections that are open' {
        $repaired = Get-NatIptablesState @target -ErrorAction SilentlyContinue |
            Where-Object Status -EQ Erased | Repair-DsaNatHost -Confirm:$false
        $repaired.ComputerName | Should -Be $erased.Nat
        $repaired.Outcome | Should -Be 'Done'
        Invoke-NatLab $erased 'fetch' | Should -Match '200 from'
    }

    It 'host names come down the pipeline' {
        $rest = @{} + $target
        $rest.Remove('ComputerName')
        $sound.Nat, $erased.Nat | Get-DsaAgentState @rest | ForEach-Object ComputerName | Sort-Object |
            Should -Be ($sound.Nat, $erased.Nat | Sort-Object)
    }
}

Describe 'A question goes to its host once' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Agent 9.5.3-2754.el6 -Broken
        $target = Get-LabTarget -Lab $lab
        # Every command that sshd runs is run by the user's shell, which this one is now.
        Invoke-OnLabHost $lab @'
printf '#!/bin/sh\necho once >>/run/asked\nexec /bin/sh "$@"\n' >/usr/local/bin/counted-sh
chmod 755 /usr/local/bin/counted-sh
sed -i 's|^\(root:.*:\)[^:]*$|\1/usr/local/bin/counted-sh|' /etc/passwd
'@
    }

    AfterAll { Stop-NatLab $lab }

    It 'with <_>' -ForEach @(
        'Get-NatIptablesState @target'
        'Get-NatIptablesRule @target'
        'Get-DsaAgentState @target'
        'Test-DsaMarkerFile @target'
        'Set-DsaMarkerFile @target'
        'Remove-DsaMarkerFile @target -Confirm:$false'
        'Test-NatEgress @target -Uri http://www.example.com/page'
        'Compare-NatIptablesState @target -Persisted'
        'Repair-DsaNatHost @target -WhatIf'
    ) {
        Invoke-OnLabHost $lab ': >/run/asked'
        $null = & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $_"))
        Invoke-OnLabHost $lab 'wc -l </run/asked' | Should -Be '1'
    }
}
