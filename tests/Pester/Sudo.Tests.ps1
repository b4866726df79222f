# Root on a host by way of sudo: the program that sudo allows there.

[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'What a BeforeAll sets, the specs after it read.')]
param()

BeforeAll {
    Import-Module "$PSScriptRoot/../../out/NatDsa/NatDsa.psd1"
}

Describe 'Export-DsaHostCommand' {
    BeforeEach { $folder = (New-Item -ItemType Directory -Path "$TestDrive/$([guid]::NewGuid())").FullName }

    It 'writes a program that runs what it holds, and nothing else' -Skip:$IsWindows {
        $written = Export-DsaHostCommand $folder/natdsa-host
        $written.FullName | Should -Be "$folder/natdsa-host"
        (Get-Item -LiteralPath $written.FullName).UnixMode | Should -Be '-rwxr-xr-x'
        $said = "touch $folder/touched" | & $written.FullName change 2>&1
        $LASTEXITCODE | Should -Be 76
        "$said" | Should -BeLike 'natdsa-host: *'
        "$folder/touched" | Should -Not -Exist
    }

    It 'replaces the one that is there while a host runs that' {
        Set-Content -LiteralPath $folder/natdsa-host -Value 'older' -NoNewline
        $running = [System.IO.File]::Open("$folder/natdsa-host", 'Open', 'Read', 'ReadWrite, Delete')
        try {
            $null = Export-DsaHostCommand $folder/natdsa-host
            [System.IO.StreamReader]::new($running).ReadToEnd() | Should -Be 'older'
        }
        finally {
            $running.Dispose()
        }
        Get-Content -LiteralPath $folder/natdsa-host -TotalCount 1 | Should -BeLike '#!*'
        Get-ChildItem -LiteralPath $folder -Force | ForEach-Object Name | Should -Be 'natdsa-host'
    }

    It 'writes nothing with -WhatIf' {
        Export-DsaHostCommand $folder/natdsa-host -WhatIf | Should -BeNullOrEmpty
        Get-ChildItem -LiteralPath $folder -Force | Should -BeNullOrEmpty
    }

    It 'says that it cannot write, and leaves nothing behind' {
        $null = New-Item -ItemType Directory -Path $folder/natdsa-host
        { Export-DsaHostCommand $folder/natdsa-host } | Should -Throw -ErrorId 'FileNotWritten,*'
        Get-ChildItem -LiteralPath $folder -Force | ForEach-Object Name | Should -Be 'natdsa-host'
        Get-ChildItem -LiteralPath $folder/natdsa-host -Force | Should -BeNullOrEmpty
    }
}
