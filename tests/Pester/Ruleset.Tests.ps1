#Requires -Modules @{ ModuleName = 'Pester'; ModuleVersion = '5.0' }

BeforeAll {
    Import-Module -Name (Join-Path $PSScriptRoot '..' '..' 'out' 'NatDsa' 'NatDsa.psd1') -Force
    $script:samples = (Resolve-Path -LiteralPath (Join-Path $PSScriptRoot '..' '..' 'samples')).Path
}

Describe 'Get-NatIptablesState over files' {
    It 'reads <File> as <Status>' -ForEach @(
        @{ File = 'working.txt'; Status = 'Healthy' }
        @{ File = 'working.en.txt'; Status = 'Healthy' }
        @{ File = 'working-save.txt'; Status = 'Healthy' }
        @{ File = 'working-list.txt'; Status = 'Healthy' }
        @{ File = 'erased.txt'; Status = 'Erased' }
        @{ File = 'erased.en.txt'; Status = 'Erased' }
        @{ File = 'erased-save.txt'; Status = 'Erased' }
        @{ File = 'erased-list.txt'; Status = 'Erased' }
    ) {
        $state = Get-NatIptablesState -Path (Join-Path $samples $File)
        $state.Status | Should -Be $Status
        $state.Reason | Should -Not -BeNullOrEmpty
    }

    It 'takes wildcards, and files from the pipeline' {
        (Get-NatIptablesState -Path (Join-Path $samples 'erased*.txt')).Count | Should -Be 4
        (Get-ChildItem -Path $samples -Filter 'erased*.txt' | Get-NatIptablesState).Count | Should -Be 4
    }

    It 'takes a name with brackets literally' {
        $file = Join-Path $TestDrive 'nat[01].txt'
        Copy-Item -LiteralPath (Join-Path $samples 'erased.txt') -Destination $file
        (Get-NatIptablesState -LiteralPath $file).Status | Should -Be 'Erased'
    }

    It 'reads UTF-8 with a mark and CRLF, as Windows writes it' {
        $file = Join-Path $TestDrive 'windows.txt'
        $text = (Get-Content -LiteralPath (Join-Path $samples 'working.txt') -Raw -Encoding utf8) -replace "`n", "`r`n"
        Set-Content -LiteralPath $file -Value $text -Encoding utf8BOM -NoNewline
        (Get-NatIptablesState -Path $file).Status | Should -Be 'Healthy'
    }
}

Describe 'Get-NatIptablesState over text' {
    It 'takes it line by line and as one string' {
        (Get-Content -LiteralPath (Join-Path $samples 'working-save.txt') | Get-NatIptablesState).Status | Should -Be 'Healthy'
        (Get-Content -LiteralPath (Join-Path $samples 'working-save.txt') -Raw | Get-NatIptablesState).Status | Should -Be 'Healthy'
    }

    It 'is never Healthy by default' {
        ('this is no ruleset' | Get-NatIptablesState -ErrorAction SilentlyContinue).Status | Should -Not -Be 'Healthy'
    }
}

Describe 'Pipelines' {
    It 'filters and groups rules' {
        $rules = Get-NatIptablesRule -Path (Join-Path $samples 'working-save.txt')
        $rules | Where-Object Target -EQ 'MASQUERADE' | Should -Not -BeNullOrEmpty
        ($rules | Group-Object -Property Table).Name | Should -Contain 'nat'
        Get-NatIptablesRule -Path (Join-Path $samples 'working-save.txt') -Table nat | ForEach-Object Table | Should -Be 'nat'
    }

    It 'exports states as CSV and JSON' {
        $state = Get-NatIptablesState -Path (Join-Path $samples 'erased.txt')
        $file = Join-Path $TestDrive 'states.csv'
        $state | Select-Object -Property Status, Reason | Export-Csv -LiteralPath $file
        (Import-Csv -LiteralPath $file).Status | Should -Be 'Erased'
        ($state | Select-Object -Property Status | ConvertTo-Json -EnumsAsStrings | ConvertFrom-Json).Status | Should -Be 'Erased'
    }

    It 'leaves how a host was reached out of what is serialised' {
        Get-NatIptablesState -Path (Join-Path $samples 'erased.txt') | ConvertTo-Json -Depth 3 -WarningAction SilentlyContinue | Should -Not -Match '"(Target|Origin)":\s*\{'
    }

    It 'shows a table with the status in it' {
        Get-NatIptablesState -Path (Join-Path $samples 'erased.txt') | Out-String | Should -Match 'Erased'
    }

    It 'shows a list with the rules that the verdict rests on' {
        Get-NatIptablesState -Path (Join-Path $samples 'working-save.txt') | Format-List | Out-String | Should -Match 'SourceNatRules\s*:.*MASQUERADE'
    }

    It 'does not let a rule drive the terminal' {
        $rules = "*nat`n:POSTROUTING ACCEPT [0:0]`n-A POSTROUTING -m comment --comment `"`e]0;owned`a`" -j MASQUERADE`nCOMMIT`n"
        $rules | Get-NatIptablesRule | Out-String | Should -Not -Match "[`e`a]"
        $rules | Get-NatIptablesRule | Format-List | Out-String | Should -Not -Match "[`e`a]"
    }

    It 'writes a ruleset back as it was read' {
        $text = Get-Content -LiteralPath (Join-Path $samples 'working-save.txt') -Raw
        $text | ConvertFrom-IptablesRuleset | ConvertTo-IptablesRuleset | Should -BeExactly $text
    }

    It 'shows no escape sequences when output is plain' {
        $rendering = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'PlainText'
            Get-NatIptablesState -Path (Join-Path $samples 'erased.txt') | Out-String | Should -Not -Match "`e"
        }
        finally {
            $PSStyle.OutputRendering = $rendering
        }
    }
}

Describe 'Errors' {
    It 'a missing file is one error, and the others go on' {
        $states = Get-NatIptablesState -LiteralPath (Join-Path $samples 'no-such-file.txt'), (Join-Path $samples 'erased.txt') -ErrorAction SilentlyContinue -ErrorVariable problem
        $states.Status | Should -Be 'Erased'
        $problem.Count | Should -Be 1
    }

    It '-ErrorAction Stop makes it terminate' {
        { Get-NatIptablesState -LiteralPath (Join-Path $samples 'no-such-file.txt') -ErrorAction Stop } | Should -Throw
    }

    It '$? tells' {
        Get-NatIptablesState -LiteralPath (Join-Path $samples 'no-such-file.txt') -ErrorAction SilentlyContinue
        $? | Should -BeFalse
    }
}
