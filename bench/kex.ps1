<#
.SYNOPSIS
What the client computes in a key exchange, with the module's own cryptography: milliseconds of CPU for one key pair
and one shared secret, mean of many.

.DESCRIPTION
bench/fleet.sh kex measures whole connections, but only in the exchanges that this machine's sshd has.

.EXAMPLE
dotnet pwsh -File bench/kex.ps1
#>
using namespace Org.BouncyCastle.Crypto
using namespace Org.BouncyCastle.Pqc.Crypto.NtruPrime

Set-StrictMode -Version 3.0
Add-Type -Path "$PSScriptRoot/../out/NatDsa/ssh/BouncyCastle.Cryptography.dll"
$random = [Org.BouncyCastle.Security.SecureRandom]::new()

function Measure-Exchange {
    param([string] $Name, [int] $Times, [scriptblock] $Exchange)
    for ($i = 0; $i -lt 20; $i++) { & $Exchange }
    $before = (Get-Process -Id $PID).TotalProcessorTime
    for ($i = 0; $i -lt $Times; $i++) { & $Exchange }
    $spent = (Get-Process -Id $PID).TotalProcessorTime - $before
    '{0,-22} {1,8:F2} ms' -f $Name, ($spent.TotalMilliseconds / $Times)
}

# A key pair of ours, and the far side's answer to it once and for all: only what the client does is measured.
$kem = [Parameters.MLKemParameters]::ml_kem_768
$mlkem = [Generators.MLKemKeyPairGenerator]::new()
$mlkem.Init([Parameters.MLKemKeyGenerationParameters]::new($random, $kem))
$answer = [byte[]]::new(1088)
Measure-Exchange -Name 'ML-KEM-768' -Times 500 -Exchange {
    $pair = $mlkem.GenerateKeyPair()
    $open = [Kems.MLKemDecapsulator]::new($kem)
    $open.Init($pair.Private)
    $secret = [byte[]]::new(32)
    $open.Decapsulate($answer, 0, $answer.Length, $secret, 0, $secret.Length)
}

$sntrup = [SNtruPrimeKeyPairGenerator]::new()
$sntrup.Init([SNtruPrimeKeyGenerationParameters]::new($random, [SNtruPrimeParameters]::sntrup761))
$theirs = [SNtruPrimeKemGenerator]::new($random).GenerateEncapsulated($sntrup.GenerateKeyPair().Public)
$sealed = $theirs.GetEncapsulation()
Measure-Exchange -Name 'sntrup761' -Times 50 -Exchange {
    $pair = $sntrup.GenerateKeyPair()
    $null = [SNtruPrimeKemExtractor]::new($pair.Private).ExtractSecret($sealed)
}

$x25519 = [Generators.X25519KeyPairGenerator]::new()
$x25519.Init([Parameters.X25519KeyGenerationParameters]::new($random))
$other = $x25519.GenerateKeyPair().Public
Measure-Exchange -Name 'X25519' -Times 500 -Exchange {
    $agreement = [Agreement.X25519Agreement]::new()
    $agreement.Init($x25519.GenerateKeyPair().Private)
    $agreement.CalculateAgreement($other, [byte[]]::new(32), 0)
}

$there = [Security.Cryptography.ECDiffieHellman]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
Measure-Exchange -Name 'ECDH P-256' -Times 500 -Exchange {
    $here = [Security.Cryptography.ECDiffieHellman]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
    $null = $here.DeriveRawSecretAgreement($there.PublicKey)
    $here.Dispose()
}
