#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
Builds, tests or packs the module NatDsa, over dotnet.

.PARAMETER Task
Build lays the module in out/NatDsa. Test builds, and runs the .NET tests and the specs of tests/Pester, without those
that need a lab where none can be raised: a lab needs Linux and root. Package builds and makes out/NatDsa.<version>.zip,
to be unpacked into a folder of PSModulePath, and writes that file.

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

function Invoke-Program {
    param(
        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string[]] $ArgumentList
    )

    & $Path @ArgumentList
    if ($LASTEXITCODE -ne 0) {
        throw "$Path $ArgumentList ended with exit code $LASTEXITCODE."
    }
}

function Invoke-PesterSpec {
    $run = @(Join-Path -Path $PSScriptRoot -ChildPath 'tests' -AdditionalChildPath 'Pester', 'run.ps1')
    if (-not $IsLinux -or (id -u) -ne 0) {
        $run += '-WithoutLab'
    }

    # In a process of its own: this one must be able to build again, and an imported module's files are held on Windows.
    # PowerShell as a dotnet tool is a library that dotnet runs.
    $program = [System.Environment]::ProcessPath
    $library = [System.IO.Path]::GetFileNameWithoutExtension($program) -eq 'dotnet' ? @("$PSHOME/pwsh.dll") : @()
    Invoke-Program -Path $program -ArgumentList ($library + '-NoProfile' + '-NonInteractive' + '-File' + $run)
}

Push-Location -LiteralPath $PSScriptRoot
try {
    Invoke-Program -Path dotnet -ArgumentList 'build', 'NatDsa.slnx', '-c', $Configuration

    switch ($Task) {
        'Test' {
            $test = 'test', '-c', $Configuration, '--no-build', '--project'
            foreach ($project in Get-ChildItem -Path tests/*/*.csproj) {
                Invoke-Program -Path dotnet -ArgumentList ($test + $project.FullName)
            }

            Invoke-PesterSpec
        }
        'Package' {
            $folder = $Configuration -eq 'Release' ? 'out/NatDsa' : "out/$Configuration/NatDsa"
            $version = (Test-ModuleManifest -Path "$folder/NatDsa.psd1").Version
            Compress-Archive -Path $folder -DestinationPath "out/NatDsa.$version.zip" -Force -PassThru
        }
    }
}
finally {
    Pop-Location
}
