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

Describe 'Docker came first' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Agent 9.5.3-2754.el6 -Broken
        $target = Get-LabTarget -Lab $lab
        # What Docker writes when it starts, and what shows that the host has it.
        Invoke-OnLabHost $lab @'
cat >/etc/rc.d/init.d/docker <<'EOT'
#!/bin/sh
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -N DOCKER
iptables -A FORWARD -o docker0 -j DOCKER
EOT
printf '#!/bin/sh\n' >/usr/local/sbin/docker
cp "$(command -v sleep)" /usr/local/sbin/dockerd
chmod 0755 /etc/rc.d/init.d/docker /usr/local/sbin/docker
setsid dockerd 100000 </dev/null >/dev/null 2>&1 &
/etc/rc.d/init.d/docker start
'@
        $rulesPath = Join-Path $TestDrive 'other.rules'
        '*nat', ':POSTROUTING ACCEPT [0:0]', '-A POSTROUTING -o eth0 -j MASQUERADE', 'COMMIT' |
            Set-Content -LiteralPath $rulesPath
    }

    AfterAll { Stop-NatLab $lab }

    It 'its NAT is not taken for that of the people behind the host' {
        $state = Get-NatIptablesState @target
        "$($state.Status)" | Should -Be 'Incomplete'
        $state.Reason | Should -BeLike '*/etc/sysconfig/iptables has source NAT for any network out of eth0*172.17.0.0*'
        Invoke-NatLab $lab 'fetch' -AllowFailure | Should -Match '000 from'
    }

    It 'the repair gives the clients the internet, and Docker its rules' {
        $result = Repair-DsaNatHost @target -Confirm:$false
        "$($result.Outcome): $($result.Before) -> $($result.After)" | Should -Be 'Done: Incomplete -> Healthy'
        $result.Steps.Name | Should -Contain 'RestartDocker'
        Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
        Invoke-OnLabHost $lab 'iptables-save' | Should -Match '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'
    }

    It 'what is in place is said, and nothing more' {
        (Repair-DsaNatHost @target -Confirm:$false).Reason |
            Should -BeLike 'A source-NAT rule for any network out of eth0 is in place *. Nothing threatens the rules: *'
    }

    It 'rules of a file that are in place are not loaded, the result says why, and -Force loads them' {
        $result = Repair-DsaNatHost @target -RulesPath $rulesPath -Confirm:$false
        "$($result.Outcome)" | Should -Be 'NothingToDo'
        $result.Reason | Should -BeLike "*$rulesPath was not loaded: all source NAT that it has is in place already.*"
        $result = Repair-DsaNatHost @target -RulesPath $rulesPath -Force -Confirm:$false
        "$($result.Outcome)" | Should -Be 'Done'
        $result.Steps.Name | Should -Contain 'InstallRules'
        Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
    }

    It 'where nothing is persisted, the newest good backup tells what is missing, and how it comes back' {
        Backup-NatIptablesState @target | ForEach-Object IsGood | Should -BeTrue
        $dockerFirst = 'rm /etc/sysconfig/iptables; iptables -t nat -F; /etc/rc.d/init.d/docker start'
        $null = Invoke-OnLabHost $lab $dockerFirst -AllowFailure
        (Get-NatIptablesState @target).Reason | Should -BeLike '*Restore-NatIptablesState -Backup*'
        $result = Repair-DsaNatHost @target -Confirm:$false -ErrorVariable refused -ErrorAction SilentlyContinue
        $result | Should -BeNullOrEmpty
        $refused[0].Exception.Message | Should -BeLike '*Restore-NatIptablesState -Backup*'
        $null = Restore-NatIptablesState @target -Force -Confirm:$false
        "$((Get-NatIptablesState @target).Status)" | Should -Be 'Healthy'
        Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
    }
}
