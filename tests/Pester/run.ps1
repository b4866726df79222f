#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
Runs the specs of this folder with one version of Pester, which a build of the tests has fetched.

.DESCRIPTION
The last line that it writes is "N passed, N failed, N skipped". The exit code is 0 only when nothing failed.

.PARAMETER PesterVersion
The version of Pester.

.PARAMETER WithoutLab
Leave out what needs a lab (tests/Lab): Linux, root, and its Debian packages.

.PARAMETER Name
The specs: the files' names up to .Tests.ps1, with wildcards.

.EXAMPLE
tests/Pester/run.ps1 -Name Look -WithoutLab
#>
[CmdletBinding()]
param(
    [version] $PesterVersion = '6.2.0',

    [switch] $WithoutLab,

    [SupportsWildcards()]
    [string[]] $Name = '*'
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3.0

$packages = if ($env:NUGET_PACKAGES) { $env:NUGET_PACKAGES } else { "$HOME/.nuget/packages" }
Import-Module -Name "$packages/pester/$PesterVersion/tools/Pester.psd1"

$configuration = New-PesterConfiguration
$files = $Name | ForEach-Object { "$PSScriptRoot/$_.Tests.ps1" }
$configuration.Run.Path = @(Resolve-Path -Path $files | ForEach-Object Path)
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.CIFormat = 'None'
if ($WithoutLab) { $configuration.Filter.ExcludeTag = 'Lab' }

# What is run by a name is the specs' business, not this script's.
Set-StrictMode -Off
$ErrorActionPreference = 'Continue'
$result = Invoke-Pester -Configuration $configuration
$failed = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
'{0} passed, {1} failed, {2} skipped' -f $result.PassedCount, $failed, $result.SkippedCount
exit [int] ($failed -gt 0)
