# The types and views lie here, and the assembly where the build lays it; the build takes the folders out of the paths
# in the copy that it lays beside these files (src/NatDsa/NatDsa.csproj).
@{
    RootModule             = 'out/NatDsa/NatDsa.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = '6c2e7bd4-0f0e-4c0e-9b1c-6a3f7c2ad9e1'
    Author                 = 'The NatDsa contributors'
    CompanyName            = 'NatDsa contributors'
    Copyright              = '(c) 2026 The NatDsa contributors. MIT.'
    Description            = 'Diagnoses and repairs Linux NAT hosts whose iptables rules Deep Security Agent erased.'
    PowerShellVersion      = '7.4'
    CompatiblePSEditions   = @('Core')
    # In front of the types, which name methods of it.
    RequiredAssemblies     = @('out/NatDsa/NatDsa.dll')
    TypesToProcess         = @('src/NatDsa/NatDsa.Types.ps1xml')
    FormatsToProcess       = @('src/NatDsa/NatDsa.Format.ps1xml')
    FunctionsToExport      = @()
    CmdletsToExport        = @(
        'Get-NatIptablesState'
        'Get-NatIptablesRule'
        'Compare-NatIptablesState'
        'Backup-NatIptablesState'
        'ConvertFrom-IptablesRuleset'
        'ConvertTo-IptablesRuleset'
        'Get-DsaAgentState'
        'Test-DsaMarkerFile'
        'Set-DsaMarkerFile'
        'Remove-DsaMarkerFile'
        'Protect-DsaNatHost'
        'Repair-DsaNatHost'
        'Restore-NatIptablesState'
        'Test-NatEgress'
        'Export-DsaHostCommand'
    )
    VariablesToExport      = @()
    AliasesToExport        = @()
    # No HelpInfoURI: the help comes with the module and is of its version, so that there is nothing to update.
    PrivateData            = @{
        PSData = @{
            Tags                     = @(
                'Linux'
                'Windows'
                'MacOS'
                'PSEdition_Core'
                'iptables'
                'nftables'
                'netfilter'
                'NAT'
                'firewall'
                'SSH'
                'DeepSecurity'
                'TrendMicro'
                'DSA'
            )
            ProjectUri               = 'https://www.powershellgallery.com/packages/NatDsa'
            LicenseUri               = 'https://opensource.org/license/mit'
            RequireLicenseAcceptance = $false
            ReleaseNotes             = 'What each version changes is in CHANGELOG.md, in the module''s folder.'
        }
    }
}
