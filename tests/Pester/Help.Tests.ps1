# What Get-Help says, and whether it is true. With NATDSA_WRITE_EXAMPLES=1 the pages are given what their examples print
# now; the specs that failed for that pass the next time.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $cmdlets = (Get-Command -Module NatDsa).Name

    # A command that a page shows; the state of the lab's NAT host that it is for, if it needs one; what it prints.
    $fence = '(?ms)^```powershell(?: (?<state>\S+))?\n(?<command>.*?)^```\n(?:\n```output\n(?<output>.*?)^```\n)?'
    $examples = foreach ($page in Get-ChildItem -Path "$PSScriptRoot/../../docs/en-US/*.md") {
        $text = Get-Content -LiteralPath $page -Raw
        foreach ($match in [regex]::Matches($text, $fence)) {
            @{
                Page    = $page.BaseName
                Title   = [regex]::Matches($text.Substring(0, $match.Index), '(?m)^#+ (.+)$')[-1].Groups[1].Value
                Command = $match.Groups['command'].Value.TrimEnd()
                State   = $match.Groups['state'].Value
                Output  = $match.Groups['output'].Value
            }
        }
    }
    $pages = $examples | Group-Object -Property { $_.Page } |
        ForEach-Object { @{ Page = $_.Name; Examples = $_.Group } }
    $onSamples = $examples |
        Where-Object { $_.Output -and -not $_.State -and $_.Command.Contains('samples/') }
    $onHosts = $examples | Where-Object { $_.State } | Group-Object -Property { $_.Page } |
        ForEach-Object { @{ Page = $_.Name; Examples = $_.Group } }
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $root = (Resolve-Path -LiteralPath "$PSScriptRoot/../..").Path

    # A command that prints in the pages' width. Only for languages that are known to have blanks between their words
    # does PowerShell break lines there.
    function Format-Example($Command) {
        "[cultureinfo]::CurrentCulture = 'en-US'; & { $Command } | Out-String -Width 116"
    }

    # Without what is another one each time. A line may be broken between words.
    function Hide-Change($Text) {
        $Text -replace '\s*\d+ ms\b', ' N ms' -replace 'after\s+\d+\s+milliseconds', 'after N milliseconds' -replace
            '\[\d+:\d+\]', '[N:N]' -replace ' on \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}', ' on DATE'
    }

    function Assert-Example([hashtable] $Example, [string[]] $Printed) {
        $is = ($Printed -join "`n" -replace '(?m)[ \r]+$').Trim("`n")
        $told = $Example.Output.TrimEnd("`n")
        if ($env:NATDSA_WRITE_EXAMPLES -and (Hide-Change $is) -cne (Hide-Change $told)) {
            $file = "$root/docs/en-US/$($Example.Page).md"
            $head = "$($Example.Command)`n``````", '', '```output', '' -join "`n"
            $page = Get-Content -LiteralPath $file -Raw
            Set-Content -LiteralPath $file -Value $page.Replace($head + $told, $head + $is) -NoNewline
        }
        Hide-Change $is | Should -BeExactly (Hide-Change $told)
    }

    # Another PowerShell, which finds the module by its name: all that it says.
    function Invoke-Pwsh($Command, [hashtable] $Environment = @{}) {
        $program = @([Environment]::ProcessPath)
        # As a tool of .NET.
        if ([System.IO.Path]::GetFileNameWithoutExtension($program[0]) -eq 'dotnet') { $program += "$PSHOME/pwsh.dll" }
        $Environment += @{ PSModulePath = "$root/out"; NO_COLOR = '1' }
        $set = $Environment.GetEnumerator() | ForEach-Object { "$($_.Key)=$($_.Value)" }
        env @set @program -NoProfile -NonInteractive -Command $Command 2>&1 | ForEach-Object { "$_" }
    }
}

Describe 'The help of <_>' -ForEach $cmdlets {
    BeforeAll {
        $command = Get-Command -Name $_
        $help = Get-Help -Name $_ -Full
        $parameters = $help.parameters.parameter
    }

    It 'has a synopsis, a description, two examples or more, and a link' {
        # Without a page the synopsis is the syntax.
        $help.Synopsis | Should -Match '^[^\[]+\.$'
        $help.description.Text | Should -Not -BeNullOrEmpty
        @($help.examples.example.code).Count | Should -BeGreaterThan 1
        $help.relatedLinks.navigationLink.linkText | Should -Not -BeNullOrEmpty
    }

    It 'describes each parameter, and no other, in each set' {
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        $own = $command.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object
        $parameters.name | Sort-Object | Should -Be $own
        $parameters | Where-Object { -not "$($_.description.Text)".Trim() } | Should -BeNullOrEmpty
        $help.syntax.syntaxItem | Should -HaveCount $command.ParameterSets.Count
    }

    It 'tells what is written, by each of its properties' {
        $outputs = @($help.returnValues.returnValue)
        $outputs.type.name | Should -Be $command.OutputType.Name
        foreach ($written in $command.OutputType | Where-Object Name -Like 'NatDsa.*') {
            $told = ($outputs | Where-Object { $_.type.name -eq $written.Name }).description.Text -join "`n"
            $written.Type.GetProperties().Name | Where-Object { -not $told.Contains("$_ (") } | Should -BeNullOrEmpty
        }
    }
}

Describe 'Help on a parameter' {
    It 'tells how <Cmdlet> -<Name> is bound' -ForEach @(
        @{ Cmdlet = 'Repair-DsaNatHost'; Name = 'TimeoutSec'; Is = 'Int32', '300', 'false', 'named', 'False', 'false' }
        @{ Cmdlet = 'Get-NatIptablesState'; Name = 'TimeoutSec'
            Is = 'Int32', '60', 'false', 'named', 'False', 'false' }
        @{ Cmdlet = 'Get-NatIptablesState'; Name = 'Path'; Is = 'String[]', 'None', 'true', 'named', 'False', 'true' }
        @{ Cmdlet = 'Get-NatIptablesState'; Name = 'LiteralPath'
            Is = 'String[]', 'None', 'true', 'named', 'True (ByPropertyName)', 'false' }
        @{ Cmdlet = 'Get-NatIptablesRule'; Name = 'Table'; Is = 'String[]', '*', 'false', 'named', 'False', 'true' }
        @{ Cmdlet = 'Test-NatEgress'; Name = 'Uri'
            Is = 'Uri', 'http://example.com/', 'false', 'named', 'False', 'false' }
        @{ Cmdlet = 'Test-DsaMarkerFile'; Name = 'Marker'
            Is = 'DsaMarker', 'None', 'false', 'named', 'False', 'false' }
        @{ Cmdlet = 'Get-DsaAgentState'; Name = 'Session'
            Is = 'HostSession[]', 'None', 'true', '0', 'True (ByValue)', 'false' }
    ) {
        $told = Get-Help -Name $Cmdlet -Parameter $Name
        $told.type.name, $told.defaultValue, $told.required, $told.position, $told.pipelineInput, $told.globbing |
            Should -Be $Is
    }
}

Describe 'The topics' {
    It 'are found, with the cmdlets, where the language is <_>' -ForEach 'C.UTF-8', 'en_GB.UTF-8', 'ja_JP.UTF-8' {
        $said = Invoke-Pwsh -Environment @{ LC_ALL = $_ } -Command (
            'Import-Module NatDsa; (Get-Help Repair-DsaNatHost).Synopsis; ' +
            'Get-Help about_NatDsa* | Sort-Object Name | ForEach-Object { $_.Name + ": " + $_.Synopsis }')
        $said | Should -HaveCount 5
        $said[0] | Should -BeLike 'Brings the NAT of a host back*'
        $said[1] | Should -BeLike 'about_NatDsa: Finds and repairs NAT hosts*'
        $said[2] | Should -BeLike "about_NatDsa_Errors: The ids of the module's errors*"
        $said[3] | Should -BeLike 'about_NatDsa_Repair: What Repair-DsaNatHost does*'
        $said[4] | Should -BeLike 'about_NatDsa_Targets: How the cmdlets reach a host*'
    }

    It 'tell each id of an error, and no other, as docs/errors.md does' {
        $ids = [NatDsa.ErrorIds].GetFields('Public, Static').ForEach{ $_.GetValue($null) } | Sort-Object
        $row = '(?m)^\| `(\w+)` \|'
        [regex]::Matches((Get-Content -LiteralPath $root/docs/errors.md -Raw), $row).ForEach{ $_.Groups[1].Value } |
            Sort-Object | Should -Be $ids
        $topic = Get-Help -Name about_NatDsa_Errors | Out-String
        $ids | Where-Object { $topic -notmatch "(?m)^    $_ " } | Should -BeNullOrEmpty
    }
}

Describe 'The examples of <Page>' -ForEach $pages {
    It 'are commands with parameters that exist' {
        foreach ($example in $Examples) {
            $problems = $null
            $script = [System.Management.Automation.Language.Parser]::ParseInput(
                $example.Command, [ref] $null, [ref] $problems)
            $problems | Should -BeNullOrEmpty
            $isCommand = { $args[0] -is [System.Management.Automation.Language.CommandAst] }
            foreach ($ast in $script.FindAll($isCommand, $true)) {
                # Posh-SSH's, and what is no PowerShell at all.
                $name = $ast.GetCommandName()
                if ($name -in 'New-SSHSession', 'ssh') { continue }
                $known = Get-Command -Name $name -ErrorAction Stop
                $ast.CommandElements.ParameterName | Where-Object { $_ -and $_ -notin $known.Parameters.Keys } |
                    Should -BeNullOrEmpty -Because "$name has other parameters"
            }
        }
    }
}

Describe 'An example on the samples prints what its page says' {
    BeforeAll {
        $ErrorActionPreference = 'Stop'
        $rendering = $PSStyle.OutputRendering
        $culture = [cultureinfo]::CurrentCulture
        $PSStyle.OutputRendering = 'PlainText'
        Push-Location -LiteralPath $root
    }

    AfterAll {
        Pop-Location
        [cultureinfo]::CurrentCulture = $culture
        $PSStyle.OutputRendering = $rendering
    }

    It '<Page>: <Title>' -ForEach $onSamples {
        $printed = & ([scriptblock]::Create((Format-Example $Command)))
        Assert-Example $_ $printed
    }
}

Describe 'An example on a host in its state prints what its page says' -Tag Lab {
    BeforeAll {
        Import-Module "$PSScriptRoot/NatDsaLab.psm1"
        $lab = Start-NatLab
        $onNat = '/usr/bin/env pwsh -NoProfile -NonInteractive -Command'
        $repaired = 'touch /etc/use_dsa_with_iptables && service iptables restart && service ip6tables restart ' +
            '&& chkconfig iptables on && chkconfig ip6tables on && /etc/init.d/ds_agent restart'
        $states = @{
            erased   = '/etc/init.d/ds_agent restart'
            lost     = '/etc/init.d/ds_agent restart && mv /etc/sysconfig/iptables /root/good-rules'
            clean    = 'true'
            unsaved  = 'iptables -A FORWARD -s 192.0.2.0/24 -j DROP'
            repaired = $repaired
            flushed  = "$repaired && $onNat Backup-NatIptablesState >/dev/null && iptables -t nat -F"
        }

        # The pages call the hosts by their names, which only this ssh knows.
        $here = (New-Item -ItemType Directory -Path "$TestDrive/here").FullName
        Set-Content -LiteralPath $here/config -Value @"
Host nat01
  HostName $($lab.Nat)
Host client01
  HostName $($lab.Client)
Host *
  Port $($lab.Port)
  IdentityFile "$($lab.KeyFilePath)"
  IdentitiesOnly yes
  UserKnownHostsFile "$($lab.KnownHostsPath)"
  StrictHostKeyChecking yes
  LogLevel ERROR
"@
        Set-Content -LiteralPath $here/ssh -Value @"
#!/bin/sh
PATH=`${PATH#*:}
exec ssh -F '$here/config' "`$@"
"@
        chmod 755 $here/ssh
        Invoke-OnLabHost $lab 'cat /etc/sysconfig/iptables' | Set-Content -LiteralPath $here/nat01.rules

        # An agent once installed leaves its traces.
        function Set-LabAgent([switch] $Installed) {
            if ($Installed) {
                $null = Invoke-NatLab $lab 'agent-install', '--version', '9.5.3-2754.el6'
                $null = Invoke-NatLab $lab 'agent-module', 'firewall', 'on'
            }
            else {
                $null = Invoke-OnLabHost $lab "sh '$root/tests/Lab/lib/renew.sh' standard"
            }
            $script:agentInstalled = [bool] $Installed
        }
    }

    AfterAll { Stop-NatLab $lab }

    Context '<Page>' -ForEach $onHosts {
        BeforeAll { Set-LabAgent -Installed:$false }

        It '<Title>' -ForEach $Examples {
            $needsAgent = $State -notin 'clean', 'unsaved'
            if ($needsAgent -ne $agentInstalled) { Set-LabAgent -Installed:$needsAgent }
            $states.Keys | Should -Contain $State
            $null = Invoke-OnLabHost $lab ('rm -f /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables; ' +
                "[ ! -e /root/good-rules ] || mv /root/good-rules /etc/sysconfig/iptables; $($states[$State])")
            $typed = Format-Example $Command
            # What names a host is typed elsewhere; anything else, on the NAT host.
            $printed = if ($Command -match '-HostName|\bssh ') {
                Invoke-Pwsh "Set-Location -LiteralPath '$here'; $typed" -Environment @{ PATH = "${here}:$env:PATH" }
            }
            else {
                Invoke-NatLab $lab 'exec', 'nat', '--', 'pwsh', '-NoProfile', '-NonInteractive', '-Command', $typed
            }
            Assert-Example $_ $printed
        }
    }
}
