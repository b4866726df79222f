#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
Builds, tests or packs the module NatDsa, over dotnet.

.PARAMETER Task
Build lays the module in out/NatDsa. Test builds, runs the .NET tests, and tests/Pester when Pester 5 or later is installed.
Package builds and makes out/NatDsa.<version>.zip, to be unpacked into a folder of PSModulePath.

.PARAMETER Configuration
What dotnet calls a configuration. Only Release lays the module in out/NatDsa; Debug lays it in out/Debug/NatDsa.

.EXAMPLE
./build.ps1 -Task Test
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Package')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3.0

function Invoke-Dotnet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) {
        throw "dotnet $args ended with exit code $LASTEXITCODE."
    }
}

function Invoke-PesterSpecs {
    $pester = Get-Module -Name Pester -ListAvailable | Where-Object Version -GE '5.0' | Sort-Object -Property Version -Descending | Select-Object -First 1
    if (-not $pester) {
        Write-Host 'tests/Pester is skipped: Pester 5 or later is not installed. Install-PSResource Pester installs it.'
        return
    }

    # In a process of its own: this one must be able to build again, and an imported module's files are held on Windows.
    & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command {
        param($manifest, $specs)
        Import-Module -Name $manifest
        $result = Invoke-Pester -Path $specs -Output Detailed -PassThru
        exit ([int] ($result.Result -ne 'Passed'))
    } -args $pester.Path, (Join-Path $PSScriptRoot 'tests' 'Pester')
    if ($LASTEXITCODE -ne 0) {
        throw 'tests/Pester failed.'
    }
}

Push-Location -LiteralPath $PSScriptRoot
try {
    Invoke-Dotnet build NatDsa.slnx -c $Configuration

    switch ($Task) {
        'Test' {
            foreach ($project in Get-ChildItem -Path tests/*/*.csproj) {
                Invoke-Dotnet test -c $Configuration --no-build --project $project.FullName
            }

            Invoke-PesterSpecs
        }
        'Package' {
            $folder = if ($Configuration -eq 'Release') { 'out/NatDsa' } else { "out/$Configuration/NatDsa" }
            $version = (Test-ModuleManifest -Path "$folder/NatDsa.psd1").Version
            Compress-Archive -Path $folder -DestinationPath "out/NatDsa.$version.zip" -Force
            Write-Host "out/NatDsa.$version.zip"
        }
    }
}
finally {
    Pop-Location
}
