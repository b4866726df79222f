# The module as it is got and imported, and the scripts beside it.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    $root = (Resolve-Path -LiteralPath "$PSScriptRoot/../..").Path
    $folders = "$root/build.ps1", "$root/src", "$root/runbooks", "$root/bench"
    $scripts = Get-ChildItem -Path $folders -Recurse -File -Filter *.ps1 |
        ForEach-Object { [System.IO.Path]::GetRelativePath($root, $_.FullName) } |
        Where-Object { $_ -notmatch '[\\/](bin|obj)[\\/]' }
    # The types have no script of their own.
    $views = 'NatDsa.Format.ps1xml'
}

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

    It 'exports what the manifest names, and nothing else' {
        $named = (Import-PowerShellDataFile -Path $script:manifest).CmdletsToExport | Sort-Object
        (Get-Command -Module NatDsa).Name | Sort-Object | Should -Be $named
    }

    It 'makes its types known to scripts' {
        [NatDsa.NatStatus]::Erased | Should -BeOfType ([NatDsa.NatStatus])
    }

    It 'is imported without a word, with its types and its views' {
        $other = [powershell]::Create()
        try {
            $null = $other.AddCommand('Import-Module').AddParameter('Name', $script:manifest).Invoke()
            $other.Streams.Error + $other.Streams.Warning | Should -BeNullOrEmpty
        }
        finally {
            $other.Dispose()
        }
    }
}

Describe 'The scripts in <_>' -ForEach $views {
    It 'parse, which no import tells' {
        $document = [xml] (Get-Content -LiteralPath "$PSScriptRoot/../../out/NatDsa/$_" -Raw)
        $scripts = $document.SelectNodes('//ScriptBlock | //Script | //GetScriptBlock | //SetScriptBlock')
        $scripts.Count | Should -BeGreaterThan 0
        foreach ($script in $scripts) {
            $problems = $null
            $null = [System.Management.Automation.Language.Parser]::ParseInput(
                $script.InnerText, [ref] $null, [ref] $problems)
            $problems | Should -BeNullOrEmpty -Because $script.InnerText
        }
    }
}

Describe 'The script <_>' -ForEach $scripts {
    It 'parses' {
        $problems = $null
        $null = [System.Management.Automation.Language.Parser]::ParseFile(
            (Resolve-Path -LiteralPath "$PSScriptRoot/../../$_").Path, [ref] $null, [ref] $problems)
        $problems | Should -BeNullOrEmpty
    }
}
