# What the client computes in a key exchange, with the module's own cryptography: milliseconds for one key pair and one shared secret, mean of many.
#     src/NatDsa.Host/bin/Release/net10.0/natdsa -File bench/kex.ps1
# bench/fleet.sh kex measures whole connections, but only in the exchanges that this machine's sshd has.
$null = [Reflection.Assembly]::LoadFrom("$PSScriptRoot/../src/NatDsa.Host/bin/Release/net10.0/NatDsa/ssh/BouncyCastle.Cryptography.dll")
$random = [Org.BouncyCastle.Security.SecureRandom]::new()

function Measure-Exchange([string] $Name, [int] $Times, [scriptblock] $Exchange) {
    foreach ($warm in 1..20) { & $Exchange }
    $clock = [Diagnostics.Stopwatch]::StartNew()
    for ($i = 0; $i -lt $Times; $i++) { & $Exchange }
    [string]::Format([cultureinfo]::InvariantCulture, '{0,-22} {1,8:F2} ms', $Name, $clock.Elapsed.TotalMilliseconds / $Times)
}

# A key pair of ours, and the far side's answer to it once and for all: only what the client does is measured.
$kem = [Org.BouncyCastle.Crypto.Parameters.MLKemParameters]::ml_kem_768
$mlkem = [Org.BouncyCastle.Crypto.Generators.MLKemKeyPairGenerator]::new()
$mlkem.Init([Org.BouncyCastle.Crypto.Parameters.MLKemKeyGenerationParameters]::new($random, $kem))
$answer = [byte[]]::new(1088)
Measure-Exchange 'ML-KEM-768' 500 {
    $pair = $mlkem.GenerateKeyPair()
    $open = [Org.BouncyCastle.Crypto.Kems.MLKemDecapsulator]::new($kem)
    $open.Init($pair.Private)
    $secret = [byte[]]::new(32)
    $open.Decapsulate($answer, 0, $answer.Length, $secret, 0, $secret.Length)
}

$sntrup = [Org.BouncyCastle.Pqc.Crypto.NtruPrime.SNtruPrimeKeyPairGenerator]::new()
$sntrup.Init([Org.BouncyCastle.Pqc.Crypto.NtruPrime.SNtruPrimeKeyGenerationParameters]::new($random, [Org.BouncyCastle.Pqc.Crypto.NtruPrime.SNtruPrimeParameters]::sntrup761))
$sealed = [Org.BouncyCastle.Pqc.Crypto.NtruPrime.SNtruPrimeKemGenerator]::new($random).GenerateEncapsulated($sntrup.GenerateKeyPair().Public).GetEncapsulation()
Measure-Exchange 'sntrup761' 50 {
    $pair = $sntrup.GenerateKeyPair()
    $null = [Org.BouncyCastle.Pqc.Crypto.NtruPrime.SNtruPrimeKemExtractor]::new($pair.Private).ExtractSecret($sealed)
}

$x25519 = [Org.BouncyCastle.Crypto.Generators.X25519KeyPairGenerator]::new()
$x25519.Init([Org.BouncyCastle.Crypto.Parameters.X25519KeyGenerationParameters]::new($random))
$other = $x25519.GenerateKeyPair().Public
Measure-Exchange 'X25519' 500 {
    $agreement = [Org.BouncyCastle.Crypto.Agreement.X25519Agreement]::new()
    $agreement.Init($x25519.GenerateKeyPair().Private)
    $agreement.CalculateAgreement($other, [byte[]]::new(32), 0)
}

$there = [Security.Cryptography.ECDiffieHellman]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
Measure-Exchange 'ECDH P-256' 500 {
    $here = [Security.Cryptography.ECDiffieHellman]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
    $null = $here.DeriveRawSecretAgreement($there.PublicKey)
    $here.Dispose()
}
