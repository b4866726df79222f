# Runs /bin/sh on the far side of a PowerShell session. A pwsh that has just started needs milliseconds for the first
# use of each command and member: what is not needed on the way to an answer is not used on it.
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
    $stdin = $shell.StandardInput.BaseStream
    $writing = $stdin.WriteAsync($Content, 0, $Content.Length)
    # Short waits, so that a stop of this pipeline is not held up.
    for ($waits = 1; ; $waits++) {
        if ($stdin) {
            # Not whether it was written: a shell that ends before it has read everything, as sudo does when it refuses,
            # says why in its output.
            if ([System.Threading.Tasks.Task]::WaitAny(($writing, $copies[1]), 100) -ge 0) {
                $stdin.Dispose()
                $stdin = $null
            }
        }
        elseif ($copies[1].Wait(100) -and $shell.WaitForExit(100)) { break }
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
            Write-Debug "What sudo runs is root's, out of this user's reach; it ends by its own limits. $_"
        }
    }
}
