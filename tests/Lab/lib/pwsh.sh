# Where the PowerShell lies that .config/dotnet-tools.json pins, after 'dotnet tool restore'. To be sourced; $repo is the
# repository's root.
pwsh_home() {
    pwsh_version=$(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' "$repo/.config/dotnet-tools.json")
    printf '%s\n' "${NUGET_PACKAGES:-$HOME/.nuget/packages}/powershell/$pwsh_version/tools/net10.0/any/unix"
}
