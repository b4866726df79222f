#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

<#
The incident over PowerShell remoting: a lab (tests/Lab) with a NAT host that the agent has just erased, repaired over
New-PSSession -HostName. It needs Linux, root, and the natdsa program of a Release build; elsewhere it is skipped.
#>

BeforeDiscovery {
    $script:whyNot = if (-not $IsLinux) { 'the lab needs Linux' }
    elseif ((id -u) -ne 0) { 'the lab needs root' }
    elseif (-not (Test-Path -LiteralPath (Join-Path $PSScriptRoot '..' '..' 'src' 'NatDsa.Host' 'bin' 'Release' 'net10.0' 'natdsa'))) { 'natdsa is not built' }
    if ($whyNot) {
        Write-Host "Repair.Tests.ps1 is skipped: $whyNot."
    }
}

Describe 'Repair-DsaNatHost over New-PSSession -HostName' -Skip:([bool] $whyNot) {
    BeforeAll {
        $root = (Resolve-Path -LiteralPath (Join-Path $PSScriptRoot '..' '..')).Path
        Import-Module -Name (Join-Path $root 'out' 'NatDsa' 'NatDsa.psd1') -Force

        # It lives until its standard input closes, whatever becomes of this process.
        $start = [System.Diagnostics.ProcessStartInfo]::new((Join-Path $root 'tests' 'Lab' 'lab'))
        'up', '--hold', '--flavor', 'sysv', '--agent', '9.5.3-2754.el6', '--broken' | ForEach-Object { $start.ArgumentList.Add($_) }
        $start.ArgumentList.Add('--natdsa')
        $start.ArgumentList.Add((Join-Path $root 'src' 'NatDsa.Host' 'bin' 'Release' 'net10.0' 'natdsa'))
        $start.RedirectStandardInput = $true
        $start.RedirectStandardOutput = $true
        $start.UseShellExecute = $false
        $script:lab = [System.Diagnostics.Process]::Start($start)
        $raised = @{}
        while (($line = $lab.StandardOutput.ReadLine()) -and $line -ne 'ready') {
            $name, $value = $line -split '=', 2
            $raised[$name] = $value
        }

        if ($line -ne 'ready') {
            throw 'The lab could not be raised; what is missing stands above, and in tests/Lab/README.md.'
        }

        $reach = @{
            UserName    = 'root'
            Port        = [int] $raised['port']
            KeyFilePath = $raised['key']
            Options     = @{ UserKnownHostsFile = $raised['known_hosts'] }
        }
        $script:nat = New-PSSession -HostName $raised['nat.address'] @reach
        $script:client = New-PSSession -HostName $raised['client.address'] @reach
    }

    AfterAll {
        @($nat, $client) | Where-Object { $_ } | Remove-PSSession
        if ($lab) {
            $lab.StandardInput.Close()
            $lab.WaitForExit()
        }
    }

    It 'the host is erased, and the client is cut off' {
        (Get-NatIptablesState -Session $nat).Status | Should -Be 'Erased'
        Test-NatEgress -Session $client -Quiet -ErrorAction SilentlyContinue | Should -BeFalse
        (Get-DsaAgentState -Session $nat).Risk | Should -Be 'ErasesOnNextStart'
    }

    It '-WhatIf changes nothing' {
        Repair-DsaNatHost -Session $nat -WhatIf
        (Get-NatIptablesState -Session $nat).Status | Should -Be 'Erased'
        Test-DsaMarkerFile -Session $nat -Quiet | Should -BeFalse
    }

    It 'the repair is done once the client is answered' {
        (Repair-DsaNatHost -Session $nat -VerifyFrom $client -VerifyUri 'http://203.0.113.10/' -Confirm:$false).Outcome | Should -Be 'Done'
        (Get-NatIptablesState -Session $nat).Status | Should -Be 'Healthy'
        Test-DsaMarkerFile -Session $nat -Quiet | Should -BeTrue
    }

    It 'a second repair changes nothing' {
        (Repair-DsaNatHost -Session $nat -Confirm:$false).Outcome | Should -Be 'NothingToDo'
    }
}
