#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
}

Describe 'Rules are kept and given back' -Tag Lab {
    BeforeAll { $lab = Start-NatLab }

    AfterAll { Stop-NatLab $lab }

    Context 'by <_>' -ForEach 'Local', 'Session', 'HostName', 'ComputerName', 'PoshSsh' {
        BeforeAll {
            $way = $_
            $target = Get-LabTarget -Lab $lab -Way $way
            function Ask($command) { Invoke-LabCommand -Lab $lab -Way $way -Command $command -Target $target }
            $rules = Invoke-OnLabHost $lab 'iptables-save | grep -v ^#'
        }

        It 'the host keeps what works' {
            $backup = Ask 'Backup-NatIptablesState @target'
            $backup.IsGood | Should -BeTrue
            Invoke-OnLabHost $lab "ls $($backup.Path)" | Should -Match 'manifest'
        }

        It 'what was flushed by hand comes back, and the client has the internet again' {
            Invoke-OnLabHost $lab 'iptables -t nat -F'
            Invoke-NatLab $lab 'fetch' -AllowFailure | Should -Match '000 from'
            "$((Ask 'Get-NatIptablesState @target').Status)" | Should -Be 'NatMissing'
            "$((Ask 'Restore-NatIptablesState @target -Confirm:$false').Outcome)" | Should -Be 'Done'
            Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
            Invoke-OnLabHost $lab 'iptables-save | grep -v ^#' | ForEach-Object { $_ -replace '\[\d+:\d+\]' } |
                Should -Be ($rules -replace '\[\d+:\d+\]')
        }

        It 'a host that is as the backup says is left alone' {
            "$((Ask 'Restore-NatIptablesState @target -Confirm:$false').Outcome)" | Should -Be 'NothingToDo'
        }
    }

    It 'a backup in a folder here goes back to its host' {
        $target = Get-LabTarget -Lab $lab
        $folder = Join-Path $TestDrive 'good'
        Backup-NatIptablesState @target -Destination $folder | Should -Not -BeNullOrEmpty
        Invoke-OnLabHost $lab 'iptables -t nat -F'
        (Restore-NatIptablesState @target -Backup $folder -Confirm:$false).After.Status | Should -Be 'Healthy'
    }

    It '-WhatIf changes nothing' {
        $target = Get-LabTarget -Lab $lab
        Invoke-OnLabHost $lab 'iptables -t nat -F'
        Restore-NatIptablesState @target -WhatIf
        (Get-NatIptablesState @target).Status | Should -Be 'NatMissing'
        (Restore-NatIptablesState @target -Confirm:$false).Outcome | Should -Be 'Done'
    }

    It 'a damaged backup is not loaded' {
        $target = Get-LabTarget -Lab $lab
        $folder = Join-Path $TestDrive 'damaged'
        $backup = Backup-NatIptablesState @target -Destination $folder
        Get-ChildItem -LiteralPath $backup.Path -Filter *.rules | Add-Content -Value '-A INPUT -j DROP'
        $quiet = @{ Confirm = $false; ErrorAction = 'SilentlyContinue'; ErrorVariable = 'failed' }
        Restore-NatIptablesState @target -Backup $backup.Path @quiet
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'BackupDamaged,*'
        (Get-NatIptablesState @target).Status | Should -Be 'Healthy'
    }
}
