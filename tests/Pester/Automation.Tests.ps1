# The runbooks as they lie in runbooks/. Real hosts answer them; what an Automation account does is stood in for by
# functions of this file.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeDiscovery {
    Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
    $cannotServe = -not (Test-SshHost)
}

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $modulePath = "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
    $runbooks = "$PSScriptRoot/../../runbooks"
    $password = 'Nat "lab'' $1 ' + [char] 0xFC

    # --- what a person does, and sees ---

    # Starts the fleet's runbook: the lines that it writes, and the errors. All that it says goes to $said.
    function Invoke-Fleet {
        param([string[]] $Inventory, [hashtable] $With = @{})
        $account = @{ ResourceGroupName = 'group'; AutomationAccountName = 'account'; WorkerGroup = 'workers' }
        $text = @{ Inventory = $Inventory -join "`r`n" }
        if ($With.ContainsKey('InventoryVariable')) { $text = @{} }
        $said = & "$runbooks/Invoke-NatFleet.ps1" @account @text @With -ModulePath $modulePath *>&1
        @{
            Lines  = @($said | Where-Object { $_ -is [string] } | ConvertFrom-Json)
            Errors = @($said | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
            All    = $said | Out-String -Width 4096
        }
    }

    # --- the account. A job runs when it is started, unless the account has another fate for it. ---

    function Assert-Account {
        param($ResourceGroupName, $AutomationAccountName)
        "$ResourceGroupName/$AutomationAccountName" | Should -Be 'group/account'
    }

    function Connect-AzAccount {
        [CmdletBinding()]
        param([switch] $Identity)
        if (-not $Identity) { throw 'Nobody is there to log in.' }
        'connected'
    }

    function Get-AutomationVariable {
        [CmdletBinding()]
        param($Name)
        $automation.Variables[$Name]
    }

    function Get-AutomationPSCredential {
        [CmdletBinding()]
        param($Name)
        $automation.Credentials[$Name]
    }

    function Start-AzAutomationRunbook {
        [CmdletBinding()]
        [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
            Justification = 'It stands in for a cmdlet that has no ShouldProcess.')]
        param($ResourceGroupName, $AutomationAccountName, $Name, $RunOn, [Collections.IDictionary] $Parameters)
        Assert-Account $ResourceGroupName $AutomationAccountName
        "$Name on $RunOn" | Should -Be 'Invoke-NatFleetChunk on workers'
        $fate = $automation.Fates[$automation.Jobs.Count]
        $job = [pscustomobject] @{
            JobId      = [guid]::NewGuid()
            Status     = 'Completed'
            Exception  = ''
            Parameters = $Parameters
            Output     = @()
        }
        $automation.Jobs["$($job.JobId)"] = $job
        if ($fate -eq 'refused') { throw 'The account has no such group.' }
        $lines = @(
            try {
                & "$runbooks/Invoke-NatFleetChunk.ps1" @Parameters
            } catch {
                $job.Status, $job.Exception = 'Failed', $_.Exception.Message
            }
        )
        switch ($fate) {
            'silent' { }
            'hung' { $job.Status = 'Running' }
            'unseen' { $job.Status = 'Unseen' }
            'suspended' { $job.Status, $job.Exception = 'Suspended', 'It was started three times.' }
            'died' { $job.Status, $job.Exception, $job.Output = 'Failed', 'The worker is gone.', $lines[0] }
            'late' { $job.Status, $job.Output = 'Running', $lines }
            'repeated' { $job.Output = $lines + $lines }
            'cut off' { $job.Output = $lines | ForEach-Object { $_.Substring(0, $_.Length - 10) } }
            'strange' {
                $job.Output = 'a word', '[1]', 'null', '"nat01"', '{"ComputerName":"nat01","Status":"Healthy"}',
                    ($lines[0] | ConvertFrom-Json | Select-Object -Property ComputerName | ConvertTo-Json)
            }
            'torn' { $job.Output = @('unreadable') + $lines }
            'locked' { $job.Output = 'locked', $lines[0] }
            default { $job.Output = $lines }
        }
        $job
    }

    function Get-AzAutomationJob {
        [CmdletBinding()]
        param($ResourceGroupName, $AutomationAccountName, [guid] $Id)
        Assert-Account $ResourceGroupName $AutomationAccountName
        if ($automation.Jobs["$Id"].Status -eq 'Unseen') { throw 'The service does not answer.' }
        $automation.Jobs["$Id"]
    }

    function Stop-AzAutomationJob {
        [CmdletBinding()]
        [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
            Justification = 'It stands in for a cmdlet that is asked nothing here.')]
        param($ResourceGroupName, $AutomationAccountName, [guid] $Id)
        Assert-Account $ResourceGroupName $AutomationAccountName
        $automation.Stopped += $Id
    }

    function Get-AzAutomationJobOutput {
        [CmdletBinding()]
        param($ResourceGroupName, $AutomationAccountName, [guid] $Id, $Stream)
        Assert-Account $ResourceGroupName $AutomationAccountName
        $output = @($automation.Jobs["$Id"].Output)
        if ($output -contains 'locked') { throw 'The output is not to be had.' }
        for ($i = 0; $i -lt $output.Count; $i++) {
            $summary = $output[$i].Substring(0, [Math]::Min(80, $output[$i].Length))
            [pscustomobject] @{ StreamRecordId = "$i"; Type = $Stream; Summary = $summary }
        }
    }

    # A string that is JSON comes back as text or as an object, by the version of Az.Automation.
    function Get-AzAutomationJobOutputRecord {
        [CmdletBinding()]
        param($ResourceGroupName, $AutomationAccountName, [guid] $JobId, [int] $Id)
        Assert-Account $ResourceGroupName $AutomationAccountName
        $value = @($automation.Jobs["$JobId"].Output)[$Id]
        if ($value -eq 'unreadable') { throw 'The record is not to be had.' }
        $record = @{ value = $value }
        switch ($automation.HandsBack) {
            'objects' { $record.value = $value | ConvertFrom-Json }
            'Newtonsoft objects' { $record.value = [Newtonsoft.Json.JsonConvert]::DeserializeObject($value) }
        }
        [pscustomobject] @{ Value = $record }
    }
}

Describe 'Ask a fleet in Azure Automation' -Skip:$cannotServe {
    BeforeAll {
        Import-Module "$PSScriptRoot/NatDsaSshHost.psm1"
        $folder = (New-Item -Path "$TestDrive/hosts" -ItemType Directory).FullName

        # What they answer to the question for their rules, as the module's probe frames it.
        $answer = @'
#!/bin/sh
IFS= read -r nonce
eval "$nonce"
sed /#natdsa_asks/q >/dev/null
section() { printf '@%s out %s\n%s\n@%s err %s\n\n@%s end %s 0\n' "$NONCE" "$1" "$2" "$NONCE" "$1" "$NONCE" "$1"; }
section host 'kernel=Linux
uid=0
forwarding.ipv4=1'
section save.iptables '*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT'
section nft.ruleset '{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}]}'
printf '@%s done\n' "$NONCE"
'@
        $answer | Set-Content -Path "$folder/nat"
        $answer -replace '-A POSTROUTING .*\n' | Set-Content -Path "$folder/erased"
        chmod 755 "$folder/nat" "$folder/erased"

        # 127.9.7.1 is a host whose rules were erased; those at the other addresses do NAT.
        $server = Start-SshHost -Folder $folder -Setting @(
            'Match LocalAddress 127.9.7.1'
            "ForceCommand $folder/erased"
            'Match all'
            "ForceCommand $folder/nat"
        )
        $user, $key, $port = $server.UserName, $server.KeyFilePath, $server.Port
        $known = @{ KnownHostsPath = $server.KnownHostsPath }
        $addresses = 1..7 | ForEach-Object { "127.9.$_.1" }

        # The same key, with a passphrase.
        Copy-Item -Path $key -Destination "$folder/locked"
        ssh-keygen -q -p -P '' -N $password -f "$folder/locked"

        function Get-Inventory {
            param([int[]] $Hosts)
            'UserName,ComputerName,KeyFile,Port'
            $Hosts | ForEach-Object { "$user,127.9.$_.1,$key,$port" }
        }
    }

    AfterAll {
        Stop-SshHost $server
    }

    BeforeEach {
        $automation = @{
            Fates       = @()
            Jobs        = [ordered] @{}
            Stopped     = @()
            HandsBack   = 'text'
            Variables   = @{}
            Credentials = @{
                lab   = [pscredential]::new($user, (ConvertTo-SecureString -String $password -AsPlainText -Force))
                wrong = [pscredential]::new($user, (ConvertTo-SecureString -String 'geheim' -AsPlainText -Force))
            }
        }
    }

    It 'tells of each host once, and why those that failed did, where the account hands back <_>' -ForEach @(
        'text', 'objects', 'Newtonsoft objects'
    ) {
        $automation.HandsBack = $_
        $inventory = @(
            Get-Inventory 1, 2, 3, 4
            ''
            "$user,127.9.5.1,$key,1"
            "$user,`"a b`",$key,$port"
            "$user,127.9.6.1,$key,ssh"
            "$user, 127.9.7.1 ,`"$key`",$port"
        )
        $fleet = Invoke-Fleet $inventory -With ($known + @{ ChunkSize = 3 })
        $fleet.Lines.ComputerName | Should -Be ('127.9.1.1', '127.9.2.1', '127.9.3.1', '127.9.4.1', '127.9.5.1', 'a b',
            '127.9.6.1', '127.9.7.1')
        $fleet.Lines.Status | Should -Be 'Healthy', 'Healthy', 'Healthy', 'Healthy', '', '', '', 'Erased'
        $fleet.Lines.Repair | Should -Be @('', '', '', '', '', '', '', '')
        $fleet.Errors | Should -BeNullOrEmpty
        foreach ($read in $fleet.Lines | Where-Object { $_.Status }) {
            $read.Reason | Should -Not -BeNullOrEmpty
            $read.ErrorId + $read.Error | Should -Be ''
        }
        $fleet.Lines[4, 5].ErrorId | Should -Be 'TargetUnreachable', 'TargetUnreachable'
        $fleet.Lines[4].Error | Should -BeLike '*127.9.5.1*'
        $fleet.Lines[6].ErrorId | Should -Not -BeIn '', 'NotReported'
        $fleet.Lines[6].Error | Should -BeLike '*Port*ssh*'

        $chunks = $automation.Jobs.Values.Parameters.Inventory | ForEach-Object { , @($_ | ConvertFrom-Csv) }
        $chunks | ForEach-Object { $_.Count } | Should -Be 3, 3, 2
        $chunks[2][0].Port | Should -Be 'ssh'
    }

    It 'takes the inventory from a variable of the account' {
        $automation.Variables.fleet = [char] 0xFEFF + ((Get-Inventory 1) -join "`n")
        $fleet = Invoke-Fleet -With ($known + @{ InventoryVariable = 'fleet' })
        $fleet.Lines.Status | Should -Be 'Healthy'
    }

    It 'takes what Export-Csv writes' {
        $fleet = Invoke-Fleet (Get-Inventory 1, 2 | ConvertFrom-Csv | ConvertTo-Csv) -With $known
        $fleet.Lines.Status | Should -Be 'Healthy', 'Healthy'
    }

    It 'tells hosts behind one address apart by their ports' {
        $fleet = Invoke-Fleet 'ComputerName,KeyFile', "127.9.1.1:$port,$key", "127.9.1.1:1,$key" -With $known
        $fleet.Lines.ComputerName | Should -Be "127.9.1.1:$port", '127.9.1.1:1'
        $fleet.Lines.Status | Should -Be 'Healthy', ''
        $fleet.Lines.ErrorId | Should -Be '', 'TargetUnreachable'
    }

    It 'has an error for the hosts of a job that is <Fate>, and goes on with the others' -ForEach @(
        @{ Fate = 'refused'; ErrorId = 'JobNotStarted'; Why = '*The account has no such group.*' }
        @{ Fate = 'silent'; ErrorId = 'NotReported'; Why = '*without a word*' }
        @{ Fate = 'strange'; ErrorId = 'NotReported'; Why = '*A line of its output could not be read*' }
        @{ Fate = 'cut off'; ErrorId = 'NotReported'; Why = '*A line of its output could not be read*' }
        @{ Fate = 'locked'; ErrorId = 'NotReported'; Why = '*The output is not to be had.*' }
        @{ Fate = 'suspended'; ErrorId = 'JobFailed'; Why = '*Suspended. It was started three times.*' }
        @{ Fate = 'hung'; ErrorId = 'JobTimedOut'; Why = '*had not ended after 2 s*Running*' }
        @{ Fate = 'unseen'; ErrorId = 'JobTimedOut'; Why = '*The service does not answer.*' }
    ) {
        $automation.Fates = '', $Fate
        $with = $known + @{ ChunkSize = 2; TimeoutSec = 2; PollSec = 1 }
        $fleet = Invoke-Fleet (Get-Inventory 1, 2, 3, 4, 5) -With $with
        $fleet.Lines.ComputerName | Should -Be $addresses[0..4]
        $fleet.Lines.ErrorId | Should -Be '', '', $ErrorId, $ErrorId, ''
        $fleet.Lines.Status | Should -Be 'Healthy', 'Healthy', '', '', 'Healthy'
        $fleet.Lines[2, 3] | ForEach-Object { $_.Error | Should -BeLike $Why }

        $fleet.Errors.Count | Should -Be 1
        $fleet.Errors[0].FullyQualifiedErrorId | Should -BeLike "$ErrorId,*"
        $fleet.Errors[0].Exception.Message | Should -BeLike $Why
        $automation.Stopped | Should -Be ($ErrorId -eq 'JobTimedOut' ? $fleet.Errors[0].TargetObject : $null)
    }

    It 'keeps what a job has told before its worker died' {
        $automation.Fates = @('died')
        $fleet = Invoke-Fleet (Get-Inventory 1, 2) -With $known
        $fleet.Lines.Status | Should -Be 'Healthy', ''
        $fleet.Lines.ErrorId | Should -Be '', 'JobFailed'
        $fleet.Lines[1].Error | Should -BeLike '*2 hosts, 1 untold*The worker is gone.*'
        $fleet.Errors.Count | Should -Be 1
    }

    It 'counts once what a job has told, when that is <_>' -ForEach 'repeated', 'late', 'torn' {
        $automation.Fates = @($_)
        $fleet = Invoke-Fleet (Get-Inventory 1, 2) -With ($known + @{ TimeoutSec = 1; PollSec = 1 })
        $fleet.Lines.ComputerName | Should -Be $addresses[0, 1]
        $fleet.Lines.Status | Should -Be 'Healthy', 'Healthy'
        $fleet.Errors | Should -BeNullOrEmpty
    }

    It 'says for each host why its job failed' {
        $fleet = Invoke-Fleet (Get-Inventory 1, 2) -With @{ CredentialName = 'absent' }
        $fleet.Lines.ErrorId | Should -Be 'JobFailed', 'JobFailed'
        $fleet.Lines | ForEach-Object { $_.Error | Should -BeLike "*no credential 'absent'*" }
        $fleet.Errors.Count | Should -Be 1
    }

    It 'repairs hosts that are erased, and only when that is asked for' {
        # This one has no rules to go back to, so that the repair refuses it.
        $fleet = Invoke-Fleet (Get-Inventory 1, 7) -With $known
        $fleet.Lines.ErrorId | Should -Be '', ''
        $fleet = Invoke-Fleet (Get-Inventory 1, 7) -With ($known + @{ Repair = $true })
        $fleet.Lines.Status | Should -Be 'Healthy', 'Erased'
        $fleet.Lines.ErrorId | Should -Be '', 'NothingToRestore'
        $fleet.Lines[1].Error | Should -Not -BeNullOrEmpty
    }

    It 'repairs nothing where nothing is erased' {
        Mock -CommandName Repair-DsaNatHost -MockWith { }
        $fleet = Invoke-Fleet (Get-Inventory 1, 2) -With ($known + @{ Repair = $true })
        $fleet.Lines.Status | Should -Be 'Healthy', 'Healthy'
        Should -Invoke -CommandName Repair-DsaNatHost -Times 0 -Exactly
    }

    It 'tells how a repair ended, which asks nobody' {
        Mock -CommandName Repair-DsaNatHost -MockWith {
            [pscustomobject] @{ ComputerName = '127.9.7.1'; Outcome = 'Done'; Reason = 'NAT works again.' }
        }
        $fleet = Invoke-Fleet (Get-Inventory 1, 7) -With ($known + @{ Repair = $true })
        $fleet.Lines[1].Status, $fleet.Lines[1].Repair | Should -Be 'Erased', 'Done'
        $fleet.Lines[1].Reason | Should -Be 'NAT works again.'
        $fleet.Lines[1].ErrorId | Should -Be ''
        Should -Invoke -CommandName Repair-DsaNatHost -Times 1 -Exactly -ParameterFilter { $Confirm -eq $false }
    }

    It 'logs in with the credential <Name>, whose password is in no output and no parameter' -ForEach @(
        @{ Name = 'lab'; ErrorId = '' }
        @{ Name = 'wrong'; ErrorId = 'FileUnreadable' }
    ) {
        $with = $known + @{ CredentialName = $Name; Verbose = $true }
        $fleet = Invoke-Fleet 'ComputerName,Port,KeyFile', "127.9.1.1,$port,$folder/locked" -With $with
        $fleet.Lines.ErrorId | Should -Be $ErrorId
        $said = $fleet.All + [Management.Automation.PSSerializer]::Serialize($automation.Jobs.Values, 5)
        $said | Should -BeLike "*$Name*"
        $said | Should -Not -BeLike "*$([wildcardpattern]::Escape($password))*"
        $said | Should -Not -BeLike '*geheim*'
    }

    It 'is root by sudo with the credential <Name> and -Sudo <Free>' -ForEach @(
        @{ Name = 'lab'; Free = $false }
        @{ Name = ''; Free = $true }
    ) {
        Mock -CommandName Get-NatIptablesState -MockWith {
            [pscustomobject] @{ ComputerName = '127.9.7.1'; Status = 'Erased'; Reason = 'It is empty.' }
        }
        Mock -CommandName Repair-DsaNatHost -MockWith { }
        $with = @{ Repair = $true; Sudo = $Free; SudoCredentialName = $Name }
        (Invoke-Fleet (Get-Inventory 7) -With $with).Lines.Status | Should -Be 'Erased'
        $expected = $Name ? $password : ''
        foreach ($command in 'Get-NatIptablesState', 'Repair-DsaNatHost') {
            Should -Invoke -CommandName $command -Times 1 -Exactly -ParameterFilter {
                $given = [Net.NetworkCredential]::new('', [securestring] $SudoPassword).Password
                $given -ceq $expected -and [bool] $Sudo -eq $Free
            }
        }
    }
}

Describe 'Repair a fleet in Azure Automation' -Tag Lab {
    BeforeAll {
        Import-Module "$PSScriptRoot/NatDsaLab.psm1"
        $lab = Start-NatLab -Agent 9.5.3-2754.el6 -Broken
        $inventory = 'ComputerName,Port,UserName,KeyFile', "$($lab.Nat),$($lab.Port),root,$($lab.KeyFilePath)"
        $with = @{ Repair = $true; KnownHostsPath = $lab.KnownHostsPath }
    }

    AfterAll {
        Stop-NatLab $lab
    }

    BeforeEach {
        $automation = @{ Fates = @(); Jobs = [ordered] @{}; HandsBack = 'text' }
    }

    It 'brings the NAT of an erased host back, and says so' {
        $fleet = Invoke-Fleet $inventory -With $with
        $fleet.Lines.Status, $fleet.Lines.Repair, $fleet.Lines.ErrorId | Should -Be 'Erased', 'Done', ''
        Invoke-NatLab $lab 'fetch' | Should -Match '200 from'
    }

    It 'leaves it alone from then on' {
        $fleet = Invoke-Fleet $inventory -With $with
        $fleet.Lines.Status, $fleet.Lines.Repair, $fleet.Lines.ErrorId | Should -Be 'Healthy', '', ''
    }
}

Describe 'Check an inventory' {
    BeforeEach {
        $automation = @{ Fates = @(); Jobs = [ordered] @{}; Variables = @{} }
    }

    It 'refuses one, and starts no job: <Why>' -ForEach @(
        @{ Why = 'has columns other than'; Inventory = 'ComputerName,Password', 'nat01,geheim' }
        @{ Why = 'has no column ComputerName'; Inventory = 'Host', 'geheim' }
        @{ Why = 'has no column ComputerName'; Inventory = 'nat01,geheim,geheim', 'nat02,geheim,geheim' }
        @{ Why = 'names NAT01 again'; Inventory = 'ComputerName,Port', 'nat01,22', 'NAT01,23' }
        @{ Why = 'names nat01 again'; Inventory = 'ComputerName,Port', 'nat01,22', '"nat01 ",23' }
        @{ Why = 'Row 1 of the inventory names no host'; Inventory = 'ComputerName,Port', ',22' }
        @{ Why = 'Row 2 of the inventory names no host'; Inventory = 'ComputerName,Port', 'nat01,22', '" ",22' }
        @{ Why = 'Row 2 of the inventory has more values'; Inventory = 'ComputerName', 'nat01', 'nat02,geheim' }
        @{ Why = 'names no host'; Inventory = 'ComputerName,Port', '' }
        @{ Why = 'it is empty'; Inventory = '', ' ' }
        @{ Why = 'it is empty'; Inventory = $null }
    ) {
        $failure = { Invoke-Fleet $Inventory } | Should -Throw -ExpectedMessage "*$Why*" -PassThru
        $failure | Out-String | Should -Not -BeLike '*geheim*'
        $automation.Jobs.Count | Should -Be 0
    }

    It 'starts no job where the account has no such variable' {
        { Invoke-Fleet -With @{ InventoryVariable = 'absent' } } | Should -Throw -ExpectedMessage '*it is empty*'
        $automation.Jobs.Count | Should -Be 0
    }

    It 'is done by a worker as well: <Why>' -ForEach @(
        @{ Why = 'no host'; Inventory = 'ComputerName,Port' }
        @{ Why = 'a row that names none'; Inventory = "ComputerName,Port`nnat01,22`n,22" }
    ) {
        { & "$runbooks/Invoke-NatFleetChunk.ps1" -Inventory $Inventory -ModulePath $modulePath } |
            Should -Throw -ExpectedMessage '*names no host*'
    }
}
