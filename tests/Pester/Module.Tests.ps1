#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

BeforeAll {
    $script:manifest = Join-Path $PSScriptRoot '..' '..' 'out' 'NatDsa' 'NatDsa.psd1'
    Import-Module -Name $script:manifest -Force
}

Describe 'The module' {
    It 'has a valid manifest' {
        $module = Test-ModuleManifest -Path $script:manifest
        $module.PowerShellVersion | Should -Be ([version] '7.4')
        $module.CompatiblePSEditions | Should -Be 'Core'
    }

    It 'exports <_>' -ForEach @(
        'Get-NatIptablesState', 'Get-NatIptablesRule', 'Get-DsaAgentState', 'Test-DsaMarkerFile',
        'Set-DsaMarkerFile', 'Remove-DsaMarkerFile', 'Repair-DsaNatHost', 'Test-NatEgress'
    ) {
        Get-Command -Name $_ -Module NatDsa | Should -Not -BeNullOrEmpty
    }

    It 'exports what the manifest names, and nothing else' {
        $named = (Import-PowerShellDataFile -Path $script:manifest).CmdletsToExport | Sort-Object
        (Get-Command -Module NatDsa).Name | Sort-Object | Should -Be $named
    }

    It 'makes its types known to scripts' {
        [NatDsa.NatStatus]::Erased | Should -BeOfType ([NatDsa.NatStatus])
    }
}

Describe 'Parameters' {
    It '<_> names hosts locally, by session, by host name and by object' -ForEach @(
        'Get-NatIptablesState', 'Get-NatIptablesRule', 'Get-DsaAgentState', 'Test-DsaMarkerFile',
        'Set-DsaMarkerFile', 'Remove-DsaMarkerFile', 'Repair-DsaNatHost', 'Test-NatEgress'
    ) {
        $command = Get-Command -Name $_
        $command.DefaultParameterSet | Should -Be 'Local'
        foreach ($set in 'Local', 'Session', 'HostName', 'InputObject') {
            $command.ParameterSets.Name | Should -Contain $set
        }
    }

    It '<_> changes hosts: it has -WhatIf and -Confirm' -ForEach 'Set-DsaMarkerFile', 'Remove-DsaMarkerFile', 'Repair-DsaNatHost' {
        Get-Command -Name $_ | Should -HaveParameter WhatIf
        Get-Command -Name $_ | Should -HaveParameter Confirm
    }

    It '<_> only looks: it has no -WhatIf' -ForEach 'Get-NatIptablesState', 'Get-DsaAgentState', 'Test-DsaMarkerFile', 'Test-NatEgress' {
        Get-Command -Name $_ | Should -Not -HaveParameter WhatIf
    }

    It 'completes the markers by name' {
        $typed = 'Test-DsaMarkerFile -Marker '
        $found = (TabExpansion2 -inputScript $typed -cursorColumn $typed.Length).CompletionMatches.CompletionText
        $found | Should -Contain 'UseDsaWithIptables'
        $found | Should -Contain 'DoNotOpenPortsOnIptables'
    }
}

Describe 'Completion' {
    It 'offers <Word> after <Typed>' -ForEach @(
        @{ Typed = 'Get-NatIptablesState -Host'; Word = '-HostName' }
        @{ Typed = 'Get-NatIptablesRule -Table n'; Word = 'nat' }
        @{ Typed = 'Get-NatIptablesRule -Target MASQ'; Word = 'MASQUERADE' }
        @{ Typed = 'Get-NatIptablesRule -Chain POST'; Word = 'POSTROUTING' }
        @{ Typed = 'Set-DsaMarkerFile -Marker Use'; Word = 'UseDsaWithIptables' }
    ) {
        (TabExpansion2 -inputScript $Typed -cursorColumn $Typed.Length).CompletionMatches.CompletionText | Should -Contain $Word
    }
}

Describe 'Help' {
    It '<_> has a synopsis, a description, examples, and a word on each of its parameters' -ForEach @(
        'Get-NatIptablesState', 'Get-NatIptablesRule', 'Get-DsaAgentState', 'Test-DsaMarkerFile',
        'Set-DsaMarkerFile', 'Remove-DsaMarkerFile', 'Repair-DsaNatHost', 'Test-NatEgress'
    ) {
        $help = Get-Help -Name $_ -Full
        $help.Synopsis | Should -Not -BeNullOrEmpty
        $help.Description.Text | Should -Not -BeNullOrEmpty
        $help.Examples.Example.Count | Should -BeGreaterThan 0
        foreach ($parameter in $help.Parameters.Parameter) {
            $parameter.Description.Text | Should -Not -BeNullOrEmpty -Because "-$($parameter.Name) is a parameter"
        }
    }

    It 'has about_NatDsa' {
        Get-Help -Name about_NatDsa | Out-String | Should -Match 'iptables'
    }
}

Describe 'Local' -Skip:$IsLinux {
    It 'is refused where there is no netfilter' {
        Get-NatIptablesState -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'NotLinux,*'
    }
}
