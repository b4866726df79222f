#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

BeforeAll {
    $script:manifest = "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module -Name $script:manifest -Force
}

Describe 'The module' {
    It 'has a manifest without a fault, in <_>' -ForEach 'out/NatDsa', '.' {
        $file = "$PSScriptRoot/../../$_/NatDsa.psd1"
        $module = Test-ModuleManifest -Path $file -ErrorVariable failed -WarningVariable warned
        $failed | Should -BeNullOrEmpty
        $warned | Should -BeNullOrEmpty
        $module.PowerShellVersion | Should -Be ([version] '7.4')
        $module.CompatiblePSEditions | Should -Be 'Core'
        $module.ExportedCmdlets.Count | Should -BeGreaterThan 14
    }

    It 'tells a gallery what it is' {
        $module = Test-ModuleManifest -Path $script:manifest
        $module.Description | Should -Not -BeNullOrEmpty
        $module.ProjectUri.Scheme | Should -Be 'https'
        $module.LicenseUri.Scheme | Should -Be 'https'
        $module.ReleaseNotes | Should -BeLike '*CHANGELOG.md*'
        Join-Path $module.ModuleBase 'CHANGELOG.md' | Should -Exist
        foreach ($tag in 'Linux', 'Windows', 'MacOS', 'PSEdition_Core') { $module.Tags | Should -Contain $tag }
        $module.Tags -match '\s' | Should -BeNullOrEmpty
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
