# Runs /bin/sh on the far side of a PowerShell session. Engine only: no command of the Utility or Management modules.
param([string[]] $Arguments, [byte[]] $Content, [int] $Seconds, [bool] $KillOnStop, [int] $MaxOutput)

if (-not $IsLinux) { return @{ Ending = 'NotLinux' } }

$clock = [System.Diagnostics.Stopwatch]::StartNew()
$start = [System.Diagnostics.ProcessStartInfo]::new('/bin/sh')
foreach ($argument in $Arguments) { $start.ArgumentList.Add($argument) }
$start.RedirectStandardInput = $true
$start.RedirectStandardOutput = $true
$start.RedirectStandardError = $true
$start.UseShellExecute = $false
$shell = [System.Diagnostics.Process]::Start($start)
$output = [System.IO.MemoryStream]::new()
$errors = [System.IO.MemoryStream]::new()
$errorCopy = $shell.StandardError.BaseStream.CopyToAsync($errors)
$buffer = [byte[]]::new(65536)
try {
    try {
        $shell.StandardInput.BaseStream.Write($Content, 0, $Content.Length)
        $shell.StandardInput.Close()
    }
    catch [System.IO.IOException] {
        # The shell has ended before it read everything, as sudo does when it refuses: its output says why.
    }
    while ($true) {
        # Short waits, so that a stop of this pipeline is not held up.
        $read = $shell.StandardOutput.BaseStream.ReadAsync($buffer, 0, $buffer.Length)
        while (-not $read.Wait(100)) {
            if ($clock.Elapsed.TotalSeconds -gt $Seconds) { return @{ Ending = 'TimedOut' } }
        }
        if ($read.Result -eq 0) { break }
        $output.Write($buffer, 0, $read.Result)
        if ($output.Length -gt $MaxOutput) { return @{ Ending = 'TooMuchOutput' } }
    }
    while (-not $shell.WaitForExit(100)) {
        if ($clock.Elapsed.TotalSeconds -gt $Seconds) { return @{ Ending = 'TimedOut' } }
    }
    $null = $errorCopy.Wait(1000)
    @{
        Ending   = 'Done'
        Output   = $output.ToArray()
        Error    = [System.Text.Encoding]::UTF8.GetString($errors.GetBuffer(), 0, [System.Math]::Min($errors.Length, 65536))
        ExitCode = $shell.ExitCode
    }
}
finally {
    if ($KillOnStop -and -not $shell.HasExited) {
        try { $shell.Kill($true) }
        catch [System.AggregateException], [System.ComponentModel.Win32Exception] {
            # What sudo runs is root's, out of this user's reach: it ends by the time limits of its own commands.
        }
    }
}
