@{
    RootModule             = 'NatDsa.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = '6c2e7bd4-0f0e-4c0e-9b1c-6a3f7c2ad9e1'
    Author                 = 'The NatDsa contributors'
    CompanyName            = 'NatDsa contributors'
    Copyright              = '(c) 2026 The NatDsa contributors. MIT.'
    Description            = 'Diagnoses and repairs Linux NAT hosts whose iptables rules were erased by Trend Micro Deep Security Agent: typed cmdlets for the local host, PowerShell remoting over SSH, and whole fleets.'
    PowerShellVersion      = '7.4'
    CompatiblePSEditions   = @('Core')
    TypesToProcess         = @('NatDsa.Types.ps1xml')
    FormatsToProcess       = @('NatDsa.Format.ps1xml')
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
    PrivateData            = @{
        PSData = @{
            Tags                     = @('Linux', 'iptables', 'netfilter', 'NAT', 'DeepSecurity', 'TrendMicro', 'DSA', 'SSH', 'PSEdition_Core', 'Windows', 'MacOS')
            LicenseUri               = 'https://opensource.org/license/mit'
            RequireLicenseAcceptance = $false
        }
    }
}
