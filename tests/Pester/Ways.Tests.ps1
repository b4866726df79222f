#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaLab.psm1"
}

Describe 'A host is asked' -Tag Lab {
    BeforeAll { $lab = Start-NatLab -Agent 9.5.3-2754.el6 }

    AfterAll { Stop-NatLab $lab }

    Context 'by <_>' -ForEach 'Local', 'Session', 'HostName', 'ComputerName', 'PoshSsh' {
        BeforeAll {
            $way = $_
            $target = Get-LabTarget -Lab $lab -Way $way
            $itsName = if ($way -eq 'Local') { 'nat01' } else { $lab.Nat }
            function Ask($command, $On = 'nat') {
                $asked = if ($On -eq 'nat') { $target } else { Get-LabTarget -Lab $lab -Way $way -On $On }
                Invoke-LabCommand -Lab $lab -Way $way -Command $command -On $On -Target $asked
            }
        }

        It 'whether its NAT works' {
            $state = Ask 'Get-NatIptablesState @target'
            "$($state.Status)" | Should -Be 'Healthy'
            $state.ComputerName | Should -Be $itsName
        }

        It 'for its rules, one object each' {
            $rules = Ask 'Get-NatIptablesRule @target -Table nat'
            $rules.Target | Should -Contain 'MASQUERADE'
            $rules.Table | Sort-Object -Unique | Should -Be 'nat'
            $rules[0].ComputerName | Should -Be $itsName
        }

        It 'for its agent' {
            $agent = Ask 'Get-DsaAgentState @target'
            "$($agent.Version)" | Should -Be '9.5.3.2754'
            $agent.Running | Should -BeTrue
        }

        It 'for its marker files' {
            (Ask 'Test-DsaMarkerFile @target').Path |
                Should -Be '/etc/use_dsa_with_iptables', '/etc/do_not_open_ports_on_iptables'
            Ask 'Test-DsaMarkerFile @target -Quiet' | Should -BeFalse
        }

        It 'whether it runs what it would load at boot' {
            Ask 'Compare-NatIptablesState @target -Persisted -Quiet' | Should -BeTrue
        }

        It 'whether the internet answers a host behind it' {
            $egress = Ask 'Test-NatEgress @target -Uri http://www.example.com/page' -On client
            $egress.Succeeded | Should -BeTrue
            [int] $egress.StatusCode | Should -Be 200
        }
    }

    It 'again, by what it has answered' {
        $target = Get-LabTarget -Lab $lab
        (Get-DsaAgentState @target | Get-NatIptablesState).Status | Should -Be 'Healthy'
    }

    It 'together with another, which fails alone' {
        $target = Get-LabTarget -Lab $lab
        $target.ComputerName = $lab.Nat, '127.255.255.254', $lab.Client
        $states = Get-NatIptablesState @target -ErrorAction SilentlyContinue -ErrorVariable failed
        $states.ComputerName | Sort-Object | Should -Be ($lab.Nat, $lab.Client | Sort-Object)
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'TargetUnreachable,*'
        $failed[0].TargetObject | Should -Be '127.255.255.254'
    }

    It 'from the rows of an inventory' {
        $inventory = Join-Path $TestDrive 'nat.csv'
        "ComputerName,Port,UserName,KeyFilePath`n$($lab.Nat),$($lab.Port),root,$($lab.KeyFilePath)" |
            Set-Content -LiteralPath $inventory
        $states = Import-Csv -LiteralPath $inventory | Get-NatIptablesState -KnownHostsPath $lab.KnownHostsPath
        $states.Status | Should -Be 'Healthy'
    }
}
