<# Complete a word: what the Tab key offers. #>

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"

    function Get-Offer([string] $Typed) {
        (TabExpansion2 -inputScript $Typed -cursorColumn $Typed.Length).CompletionMatches.CompletionText
    }
}

Describe 'A word of netfilter' {
    It '<Typed> becomes <Word>' -ForEach @(
        @{ Typed = 'Get-NatIptablesRule -Table n'; Word = 'nat' }
        @{ Typed = 'Get-NatIptablesRule -Target MASQ'; Word = 'MASQUERADE' }
        @{ Typed = 'Get-NatIptablesRule -Chain POST'; Word = 'POSTROUTING' }
        @{ Typed = 'Get-NatIptablesRule -Chain INPUT, FOR'; Word = 'FORWARD' }
        @{ Typed = 'Get-NatIptablesRule -Chain "PO'; Word = '"POSTROUTING"' }
        @{ Typed = 'Get-NatIptablesRule -Chain "PO"'; Word = '"POSTROUTING"' }
        @{ Typed = "Get-NatIptablesRule -Chain 'PO"; Word = "'POSTROUTING'" }
        @{ Typed = "Get-NatIptablesRule -Chain 'PO'"; Word = "'POSTROUTING'" }
        @{ Typed = 'Set-DsaMarkerFile -Marker Use'; Word = 'UseDsaWithIptables' }
        @{ Typed = 'Set-DsaMarkerFile -Marker "Do'; Word = '"DoNotOpenPortsOnIptables"' }
    ) {
        Get-Offer $Typed | Should -Be $Word
    }

    It 'that there is none of is no file either' {
        Get-Offer 'Get-NatIptablesRule -Chain NOSUCH' | Should -BeNullOrEmpty
    }
}

Describe 'A file' {
    It 'is offered by <_>' -ForEach @(
        'Get-NatIptablesState -Path', 'Get-NatIptablesRule -LiteralPath', 'Compare-NatIptablesState -Reference',
        'Repair-DsaNatHost -RulesPath', 'ConvertFrom-IptablesRuleset -Path', 'Get-DsaAgentState -KnownHostsPath'
    ) {
        $typed = "$_ $PSScriptRoot/../../samples/erased-sa"
        Get-Offer $typed | Should -BeLike '*erased-save.txt*'
    }
}

# Windows keeps the home of who is logged in, whatever the environment says.
Describe 'A host' -Skip:$IsWindows {
    BeforeAll {
        $bytes = [byte[]] (0, 0, 0, 11) + [System.Text.Encoding]::ASCII.GetBytes('ssh-ed25519') +
            [byte[]] (0, 0, 0, 32) + [byte[]]::new(32)
        $key = "ssh-ed25519 $([Convert]::ToBase64String($bytes))"
        $home_, $env:HOME = $env:HOME, "$TestDrive/home"
        $ssh = New-Item -ItemType Directory -Path "$env:HOME/.ssh/conf.d"
        @"
nat01,192.0.2.1 $key
|1|Zm9v|YmFy $key
@cert-authority *.example,ca01 $key
@revoked old01 $key
[nat02]:2222 $key
[2001:db8::1]:2222 $key
*.wild,!no01 $key
# a comment $key
no key at all
"@ | Set-Content -LiteralPath "$env:HOME/.ssh/known_hosts"
        @'
Include conf.d/*.conf
Include config
Host web01 web02 web?? *.example !web99 "web03" # web04
  HostName 192.0.2.9
HOST=web05
Match originalhost web06,web*7 user operator
Match all
'@ | Set-Content -LiteralPath "$env:HOME/.ssh/config"
        'Host inner01' | Set-Content -LiteralPath ("$ssh/a.conf")
        'Host inner02' | Set-Content -LiteralPath ("$ssh/not-read")
    }

    AfterAll { $env:HOME = $home_ }

    It 'of known_hosts is offered, hashed ones left out' {
        Get-Offer 'Get-NatIptablesState -ComputerName n' | Should -Be 'nat01', 'nat02:2222'
        Get-Offer 'Get-NatIptablesState -ComputerName 192.' | Should -Be '192.0.2.1'
        Get-Offer 'Get-NatIptablesState -ComputerName ca' | Should -Be 'ca01'
        Get-Offer 'Get-NatIptablesState -ComputerName old' | Should -Be 'old01'
    }

    It 'of an address is quoted where a bare word would be read otherwise' {
        Get-Offer 'Get-NatIptablesState -ComputerName "[20' | Should -Be '"[2001:db8::1]:2222"'
        Get-Offer 'Get-NatIptablesState -ComputerName ' | Should -Contain "'[2001:db8::1]:2222'"
    }

    It 'of the configuration is offered, patterns left out, and what it includes is read' {
        Get-Offer 'Get-NatIptablesState -ComputerName w' | Should -Be 'web01', 'web02', 'web03', 'web05', 'web06'
        Get-Offer 'Get-NatIptablesState -ComputerName i' | Should -Be 'inner01'
    }

    It 'is offered by <_>' -ForEach @(
        'Get-NatIptablesState -ComputerName', 'Get-DsaAgentState -HostName', 'Test-NatEgress -JumpHost',
        'Repair-DsaNatHost -VerifyFrom', 'Get-NatIptablesState', 'Repair-DsaNatHost', 'Test-DsaMarkerFile nat02,'
    ) {
        Get-Offer "$_ na" | Should -Be 'nat01', 'nat02:2222'
    }

    It 'is offered before anything is typed, by <_>' -ForEach 'Get-NatIptablesState', 'Repair-DsaNatHost' {
        Get-Offer "$_ " | Should -Contain 'nat01'
    }

    It 'comes behind its user, and in quotes' {
        Get-Offer 'Get-NatIptablesState -ComputerName root@na' | Should -Be 'root@nat01', 'root@nat02:2222'
        Get-Offer "Get-NatIptablesState -ComputerName 'root@nat01" | Should -Be "'root@nat01'"
    }

    It 'of another file of keys is offered when that is in the line' {
        $other = "$TestDrive/other"
        "nat77 $key" | Set-Content -LiteralPath $other
        Get-Offer "Get-NatIptablesState -KnownHostsPath $other -ComputerName na" | Should -Be 'nat77'
    }

    It 'is never a file: nothing is offered when none is known' {
        Get-Offer 'Get-NatIptablesState -ComputerName zz' | Should -BeNullOrEmpty
    }

    It 'costs no error and no wait where the file is <Case>' -ForEach @(
        @{ Case = 'missing'; Make = { "$TestDrive/none" } }
        @{ Case = 'a folder'; Make = { "$TestDrive" } }
        @{ Case = 'a pipe that nobody writes to'; Make = { mkfifo "$TestDrive/pipe"; "$TestDrive/pipe" } }
        @{ Case = 'endless'; Make = { '/dev/zero' } }
        @{ Case = 'no text'
            Make = {
                $bytes = [byte[]]::new(100000)
                [System.Random]::new(7).NextBytes($bytes)
                [System.IO.File]::WriteAllBytes("$TestDrive/bytes", $bytes)
                "$TestDrive/bytes"
            }
        }
    ) {
        $file = & $Make
        $Error.Clear()
        Get-Offer "Get-NatIptablesState -KnownHostsPath $file -ComputerName na" | Should -BeNullOrEmpty
        $Error | Should -BeNullOrEmpty
    }
}

Describe 'The name of a parameter' {
    It '<Typed> becomes <Word>' -ForEach @(
        @{ Typed = 'Get-NatIptablesState -Host'; Word = '-HostName' }
        @{ Typed = 'Set-DsaMarkerFile -Pass'; Word = '-PassThru' }
        @{ Typed = 'Get-NatIptablesState -ComputerName nat01 -Jump'; Word = '-JumpHost' }
    ) {
        Get-Offer $Typed | Should -Be $Word
    }
}
