# For the scripts beside it, which source it at the repository's root: pwsh, as .config/dotnet-tools.json pins it and
# 'dotnet tool restore' brings it, and $module, what a Release build has laid.
repo=$PWD
module=$repo/out/NatDsa/NatDsa.psd1
. tests/Lab/lib/pwsh.sh
dotnet=$(readlink -f "$(command -v dotnet)")
pwsh_dll=$(pwsh_home)/pwsh.dll
for file in "$module" "$pwsh_dll"; do
  [ -e "$file" ] || { echo "$file is missing: dotnet tool restore && dotnet build -c Release" >&2; exit 1; }
done
export DOTNET_ROOT=${dotnet%/*} POWERSHELL_TELEMETRY_OPTOUT=1

pwsh() { "$dotnet" "$pwsh_dll" -NoProfile -NonInteractive "$@"; }
# with_module COMMAND: a pwsh that imports the module and runs a command.
with_module() { pwsh -Command "Import-Module '$module'; $1"; }
