# Runs /bin/sh on the far side of a PowerShell session. Engine only: no command of the Utility or Management modules. An engine that has just started
# needs milliseconds to compile the first use of each member: what is not needed on the way to an answer is not used on it.
param([string[]] $Arguments, [byte[]] $Content, [int] $Seconds, [bool] $KillOnStop, [int] $MaxOutput)

if (-not $IsLinux) { return @{ Ending = 'NotLinux' } }

$start = [System.Diagnostics.ProcessStartInfo]::new('/bin/sh', $Arguments)
$start.RedirectStandardInput = $true
$start.RedirectStandardOutput = $true
$start.RedirectStandardError = $true
$shell = [System.Diagnostics.Process]::Start($start)
$ended = $false
try {
    $output = [System.IO.MemoryStream]::new()
    $errors = [System.IO.MemoryStream]::new()
    $copies = $shell.StandardError.BaseStream.CopyToAsync($errors), $shell.StandardOutput.BaseStream.CopyToAsync($output)
    try {
        $shell.StandardInput.BaseStream.Write($Content, 0, $Content.Length)
        $shell.StandardInput.Close()
    }
    catch [System.IO.IOException] {
        # The shell has ended before it read everything, as sudo does when it refuses: its output says why.
    }
    # Short waits, so that a stop of this pipeline is not held up.
    for ($waits = 1; -not $copies[1].Wait(100) -or -not $shell.WaitForExit(100); $waits++) {
        if ($waits -ge 10 * $Seconds) { return @{ Ending = 'TimedOut' } }
        if ($output.Length + $errors.Length -gt $MaxOutput) { return @{ Ending = 'TooMuchOutput' } }
    }
    $ended = $true
    $null = $copies[0].Wait(1000)
    @{ Ending = 'Done'; Output = $output.ToArray(); Error = $errors.ToArray(); ExitCode = $shell.ExitCode }
}
finally {
    if ($KillOnStop -and -not $ended) {
        try { $shell.Kill($true) }
        catch [System.AggregateException], [System.ComponentModel.Win32Exception] {
            # What sudo runs is root's, out of this user's reach: it ends by the time limits of its own commands.
        }
    }
}
