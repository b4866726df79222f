# What a person reads on the screen, in a file and in a log.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    Import-Module "$PSScriptRoot/NatDsaObjects.psm1"
    $ofFiles = Get-ObjectName
    $ofHosts = Get-ObjectName -OfHost

    # What is true of the views of every object that a cmdlet writes.
    $promises = {
        It 'has a table that is whole at <_> columns' -ForEach 80, 100, 140 {
            $lines = Get-Line $object $_
            $lines | ForEach-Object Length | Measure-Object -Maximum | ForEach-Object Maximum | Should -BeLessOrEqual $_
            $columns = Get-Column $object
            "$($lines[0])" | Should -Match ('^ *' + ($columns -join ' +') + ' *$')
            foreach ($column in $columns) {
                $object.PSObject.Properties.Name + 'Place' | Should -Contain $column
            }

            # The last column wraps; the others are whole. Blanks at which a line was broken are gone.
            $last = "$($lines[0])".LastIndexOf($columns[-1])
            $shown = -join ($lines | Select-Object -Skip 2 | ForEach-Object {
                    if ($_.Length -gt $last) { $_.Substring($last) }
                })
            $whole = "$($object.($columns[-1]) -join ', ')"
            $shown -replace '\s' | Should -BeExactly ($whole -replace '\s')
            "$($lines[0])".Length - $last | Should -BeLessOrEqual ($_ - $last)
            $_ - $last | Should -BeGreaterOrEqual 20 -Because 'less is no room for a reason'
        }

        It 'has the same table in a file' {
            $object | Out-File -LiteralPath TestDrive:/table.txt -Width 100
            Get-Content -LiteralPath TestDrive:/table.txt -Raw | ForEach-Object Trim |
                Should -BeExactly ($object | Out-String -Width 100).Trim()
        }

        It 'has a list that breaks no word a letter a line, at 80 columns' {
            $list = @(($object | Format-List | Out-String -Width 80).Trim() -split '\r?\n')
            $list[0] | Should -Match '^\w+ +: '
            $list | Where-Object { $_ -match '^ +\S$' } | Should -BeNullOrEmpty
        }

        It 'has a few lines among objects of other kinds' {
            $shown = (& { Get-Process -Id $PID; $object } | Out-String -Width 80).Trim() -split '\r?\n'
            @($shown | Where-Object { $_ -match '^\w+ +: ' }).Count | Should -BeGreaterThan 1
            @($shown | Where-Object { $_ -match '^\w+ +: ' }).Count | Should -BeLessOrEqual 5
        }

        It 'is the same in ConstrainedLanguage and in strict mode' {
            foreach ($format in 'Out-String -Width 100', 'Format-List | Out-String -Width 100') {
                $expected = & ([scriptblock]::Create("`$object | $format"))
                Invoke-Elsewhere -Object $object -Command "`$input | $format" -Mode ConstrainedLanguage |
                    Should -BeExactly $expected
                Invoke-Elsewhere -Object $object -Command "Set-StrictMode -Version Latest; `$input | $format" |
                    Should -BeExactly $expected
            }
        }
    }
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    Import-Module "$PSScriptRoot/NatDsaObjects.psm1", "$PSScriptRoot/NatDsaLab.psm1"
    $manifest = (Resolve-Path -LiteralPath "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1").Path
    $samples = (Resolve-Path -LiteralPath "$PSScriptRoot/../../samples").Path

    # The lines of an object's table, without colours.
    function Get-Line($Object, $Width) {
        $rendering = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'PlainText'
            @(($Object | Out-String -Width $Width).Trim() -split '\r?\n')
        }
        finally {
            $PSStyle.OutputRendering = $rendering
        }
    }

    # The columns that the object's table should have.
    function Get-Column($Object) {
        foreach ($type in $Object.PSObject.TypeNames) {
            $views = (Get-FormatData -TypeName $type).FormatViewDefinition.Control
            $table = $views | Where-Object { $_ -is [System.Management.Automation.TableControl] }
            if ($table) { return $table.Headers.Label }
        }
    }

    # Runs a command over an object, $input, in a runspace of its own that has the module.
    function Invoke-Elsewhere($Object, $Command, $Mode = 'FullLanguage') {
        $state = [initialsessionstate]::CreateDefault2()
        $state.ImportPSModule($manifest)
        $shell = [powershell]::Create($state)
        try {
            $shell.Runspace.SessionStateProxy.LanguageMode = $Mode
            $written = $shell.AddScript($Command).Invoke([object[]] @($Object))
            "$($shell.Streams.Error)" | Should -BeNullOrEmpty
            $written
        }
        finally {
            $shell.Dispose()
        }
    }
}

Describe 'On the screen, <_> of a file' -ForEach $ofFiles {
    BeforeAll { $object = (Get-ObjectOfFile)[$_] }

    . $promises
}

Describe 'On the screen, of a host' -Tag Lab {
    BeforeAll {
        $lab = Start-NatLab -Broken -Agent 9.5.3-2754.el6
        $live = Get-ObjectOfHost -Lab $lab
    }

    AfterAll { Stop-NatLab $lab }

    Context '<_>' -ForEach $ofHosts {
        BeforeAll { $object = $live[$_] }

        . $promises
    }
}

Describe 'A rule on the screen' {
    It 'has every port and address on one line, in <_>' -ForEach 'en-US', 'ja-JP', '' {
        $culture = [cultureinfo]::CurrentCulture
        try {
            [cultureinfo]::CurrentCulture = $_
            foreach ($file in 'working-save.txt', 'working-native-nft.json', 'working.txt') {
                foreach ($rule in Get-NatIptablesRule -Path $samples/$file) {
                    $words = ($rule | Out-String -Width 80) -split '\s+'
                    $rule.Specification -split '\s+' | ForEach-Object { $words | Should -Contain $_ }
                }
            }

            $drift = Compare-NatIptablesState -Reference $samples/working-save.txt -Path $samples/erased-save.txt
            $words = ($drift | Out-String -Width 80) -split '\s+'
            $drift.ReferenceRule | Where-Object { $_ } | ForEach-Object { $_.Specification -split '\s+' } |
                ForEach-Object { $words | Should -Contain $_ }
        }
        finally {
            [cultureinfo]::CurrentCulture = $culture
        }
    }

    It 'says in a file of a pwsh without a terminal what it is limited to' {
        $file = Join-Path (Get-Item TestDrive:/).FullName 'rules.txt'
        Invoke-Pwsh "Get-NatIptablesRule -Path '$samples/working-save.txt' > '$file'" | Should -BeNullOrEmpty
        $text = Get-Content -LiteralPath $file -Raw
        $text | Should -Match '(?m)^Table +Chain +Number +Target +Specification *$'
        $text -replace '\s+', ' ' | Should -Match '-s 10\.0\.0\.0/16 -p tcp -m tcp --dport 22'
        $text | Should -Not -Match "`e"
        $shown = Invoke-Pwsh ("`$PSStyle.OutputRendering = 'PlainText'; " +
            "Get-NatIptablesRule -Path '$samples/working-save.txt'")
        ($shown -join "`n").Trim() |
            Should -BeExactly $text.Trim()
    }

    It 'is told in the words of iptables where the text was a list' {
        $rules = "Chain INPUT (policy DROP)`nnum  target     prot opt source               destination`n" +
            "1    ACCEPT     tcp  --  10.0.0.0/16          !192.0.2.1           tcp dpt:22`n" +
            "2    DROP       all  --  0.0.0.0/0            0.0.0.0/0           `n"
        ($rules | Get-NatIptablesRule).Specification |
            Should -Be '-s 10.0.0.0/16 ! -d 192.0.2.1 -p tcp -j ACCEPT tcp dpt:22', '-j DROP'
    }

    It 'has the parts that scripts work with, though no list shows them' {
        $rule = Get-NatIptablesRule -Path $samples/working-save.txt | Select-Object -Index 4
        $rule.Matches.Find('tcp').Options[0].Value | Should -Be '22'
        $rule.DeclaringChain.Policy | Should -Be 'Accept'
        $rule.TargetChain | Should -BeNullOrEmpty
        $rule.PSObject.Properties.Name | Should -Not -Contain 'Matches'
        ([NatDsa.Netfilter.AddressPrefix] $rule.Source).PrefixLength | Should -Be 16
    }
}

Describe 'Objects of several kinds in one line' {
    It 'do not do what a rule wants the terminal to do' {
        $rules = "*nat`n:POSTROUTING ACCEPT [0:0]`n:`e]0;owned`a - [0:0]`n" +
            "-A POSTROUTING -o eth`e[0 -m comment --comment `"`e]0;owned`a`u{202e}`" -j MASQUERADE`nCOMMIT`n"
        $styled = [regex] "`e\[[0-9;]*m"
        $state = $rules | Get-NatIptablesState
        $all = & {
            Get-Process -Id $PID
            $state
            $state.SourceNat
            $rules | Get-NatIptablesRule
            $rules | ConvertFrom-IptablesRuleset
            $rules | Compare-NatIptablesState -Reference $samples/working-save.txt
        } | Out-String
        $styled.Replace($all, '') | Should -Not -Match "[`e`a`u{202e}]"
        $all | Should -Match 'owned'
    }
}
