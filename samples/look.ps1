#Requires -Version 7.4

<#
.SYNOPSIS
Asks the module, as a Release build lays it, about the article's two hosts: one whose NAT works, one that is erased.
#>
Import-Module -Name "$PSScriptRoot/../out/NatDsa"
Get-NatIptablesState -Path "$PSScriptRoot/working.txt", "$PSScriptRoot/erased.txt"
