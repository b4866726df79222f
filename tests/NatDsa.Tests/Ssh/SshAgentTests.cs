using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using NatDsa.Ssh;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Ssh;

/// <summary>Keys of an ssh-agent: a real one, before a real sshd, and some that misbehave.</summary>
public sealed class SshAgentTests(SshHost host) : IClassFixture<SshHost>, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natdsa-agent-").FullName;
    private Process? _agent;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Address => Path.Combine(_folder, "agent");

    private SshAgent Agent => new(Address, isNamed: true);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_agent is not null)
        {
            _agent.Kill();
            await _agent.WaitForExitAsync();
            _agent.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("openssh-ed25519")]
    [InlineData("openssh-ecdsa")]
    [InlineData("openssh-rsa")]
    public async Task A_key_of_the_agent_logs_in(string key)
    {
        await StartAsync(key);
        using SshConnection connection = await OpenAsync(new SshLogin(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [],
        });
        Assert.Equal(SshProofKind.AgentKey, connection.Accepted?.Kind);
    }

    [Fact]
    public async Task An_RSA_key_that_is_refused_costs_one_try()
    {
        string[] strangers = [.. Enumerable.Range(0, 8).Select(n => $"rsa{n}")];
        foreach (string name in strangers)
            await host.MakeKeyAsync(name, "-t", "rsa", "-b", "1024");
        // The sshd hangs up after 20 tries. Each of the keys can sign in three ways.
        await StartAsync([.. strangers, "openssh-ed25519"]);
        using SshConnection connection = await OpenAsync(new SshLogin(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [],
        });
        Assert.Equal(SshProofKind.AgentKey, connection.Accepted?.Kind);
    }

    [Fact]
    public async Task Of_a_protected_key_the_agent_has_what_is_needed_and_nothing_else_is_tried()
    {
        // The agent has others first.
        await StartAsync("stranger", "openssh-locked");
        SshLogin login = new(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [host.Key("openssh-locked")],
            IdentitiesOnly = true,
        };
        using SshConnection connection = await OpenAsync(login);
        Assert.Equal(SshProofKind.AgentKey, connection.Accepted?.Kind);
        SshLoginAttempt attempt = await login.BeginAsync("bash", "127.0.0.1", Cancellation);
        Assert.Single(attempt.Proofs);
        // Named by a parameter, as a private or as a public key.
        foreach (string name in (string[])["openssh-locked", "openssh-locked.pub"])
        {
            using SshConnection again =
                await OpenAsync(new SshLogin(new SshKeyRing(), null, host.Key(name)) { Agent = Agent });
            Assert.Equal(SshProofKind.AgentKey, again.Accepted?.Kind);
        }
    }

    [Fact]
    public async Task A_key_that_a_file_has_too_is_tried_once()
    {
        await StartAsync("openssh-ed25519");
        SshLogin login = new(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [host.Key("openssh-ed25519")],
        };
        SshLoginAttempt attempt = await login.BeginAsync("bash", "127.0.0.1", Cancellation);
        Assert.Equal(SshProofKind.Key, Assert.Single(attempt.Proofs).Kind);
    }

    [Fact]
    public async Task A_refusal_tells_what_was_tried_and_what_was_missing()
    {
        await StartAsync("stranger");
        string garbage = Path.Combine(_folder, "garbage");
        await File.WriteAllTextAsync(garbage, "x", Cancellation);
        SshFailureException refused = await Assert.ThrowsAsync<SshFailureException>(() => OpenAsync(
            new SshLogin(new SshKeyRing(), null, null)
            {
                Agent = Agent,
                Identities = [host.Key("openssh-locked"), garbage],
            }));
        Assert.Equal(SshFailure.AuthenticationFailed, refused.Failure);
        Assert.Equal(
            [SshProofKind.AgentKey, SshProofKind.LockedKey, SshProofKind.UnusableKey],
            refused.Proofs.Select(p => p.Kind));
    }

    [Theory]
    [InlineData(false, nameof(SshProofKind.NoAgent))]
    [InlineData(true, nameof(SshProofKind.FailedAgent))]
    public async Task An_agent_that_is_not_there_is_told(bool isNamed, string kind)
    {
        SshFailureException none = await Assert.ThrowsAsync<SshFailureException>(() => OpenAsync(
            new SshLogin(new SshKeyRing(), null, null)
            {
                Agent = new SshAgent(Path.Combine(_folder, "absent"), isNamed),
                Identities = [],
            }));
        Assert.Equal((SshFailure.NothingToLogInWith, kind), (none.Failure, Assert.Single(none.Proofs).Kind.ToString()));
    }

    [Fact]
    public async Task An_agent_without_keys_is_told()
    {
        await StartAsync();
        SshFailureException none = await Assert.ThrowsAsync<SshFailureException>(() => OpenAsync(
            new SshLogin(new SshKeyRing(), null, null) { Agent = Agent, Identities = [] }));
        Assert.Equal(SshProofKind.EmptyAgent, Assert.Single(none.Proofs).Kind);
    }

    [Theory]
    // Failure; no length; more than any message has; an end; one key that is said to be longer than the message.
    [InlineData("0000000105")]
    [InlineData("00000000")]
    [InlineData("7FFFFFFF0C")]
    [InlineData("")]
    [InlineData("000000090C00000001FFFFFFFF")]
    [InlineData("000000050CFFFFFFFF")]
    public async Task What_is_no_agents_answer_is_told_and_the_other_keys_are_tried(string answer)
    {
        using Socket listener = Listen();
        Task answering = AnswerAsync(listener, _ => Convert.FromHexString(answer));
        SshLogin login = new(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [host.Key("openssh-ed25519")],
        };
        using SshConnection connection = await OpenAsync(login);
        Assert.Equal(SshProofKind.Key, connection.Accepted?.Kind);
        SshLoginAttempt attempt = await login.BeginAsync("bash", "127.0.0.1", Cancellation);
        Assert.Equal([SshProofKind.FailedAgent, SshProofKind.Key], attempt.Proofs.Select(p => p.Kind));
        listener.Dispose();
        await answering;
    }

    [Fact]
    public async Task An_agent_that_will_not_sign_leaves_the_other_keys()
    {
        using Socket listener = Listen();
        Task answering = AnswerAsync(listener, request => request[0] == 11 ? Listing() : [0, 0, 0, 1, 5]);
        using SshConnection connection = await OpenAsync(new SshLogin(new SshKeyRing(), null, null)
        {
            Agent = Agent,
            Identities = [host.Key("openssh-ecdsa")],
        });
        Assert.Equal(SshProofKind.Key, connection.Accepted?.Kind);
        listener.Dispose();
        await answering;
    }

    [Fact]
    public async Task Who_waits_for_an_agent_that_asks_its_user_can_be_cancelled()
    {
        using Socket listener = Listen();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task answering = AnswerAsync(listener, request =>
        {
            if (request[0] == 11)
                return Listing();
            stop.Cancel();
            return null;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => OpenAsync(
            new SshLogin(new SshKeyRing(), null, null) { Agent = Agent, Identities = [] }, stop.Token));
        listener.Dispose();
        await answering;
    }

    private Task<SshConnection> OpenAsync(
        SshLogin login, CancellationToken? cancellation = null) => SshConnection.OpenAsync(
        new SshServerAddress("127.0.0.1", host.Port, "bash"),
        new SshAccess(login, new KnownHostsFiles(host.KnownHosts())),
        cancellation ?? Cancellation);

    private async Task StartAsync(params string[] keys)
    {
        _agent = ProgramRun.Start("ssh-agent", ["-D", "-a", Address]);
        // It says where it is when it is there.
        await _agent.StandardOutput.ReadLineAsync(Cancellation);
        string askpass = Path.Combine(_folder, "askpass");
        await File.WriteAllTextAsync(askpass, $"#!/bin/sh\ncat <<'END'\n{SshHost.Password}\nEND\n", Cancellation);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(askpass, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (string key in keys)
        {
            ProgramRun run = await ProgramRun.OfAsync(ProgramRun.Start("ssh-add", [host.Key(key)],
                ("SSH_AUTH_SOCK", Address), ("SSH_ASKPASS", askpass), ("SSH_ASKPASS_REQUIRE", "force")));
            Assert.True(run.ExitCode == 0, run.Error);
        }
    }

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Address));
        listener.Listen();
        return listener;
    }

    /// <summary>Answers whoever asks, until it is closed; who is answered null waits for ever.</summary>
    private static async Task AnswerAsync(Socket listener, Func<byte[], byte[]?> answer)
    {
        var open = new List<Socket>();
        try
        {
            while (true)
            {
                Socket caller = await listener.AcceptAsync(Cancellation);
                open.Add(caller);
                byte[] message = new byte[1 << 16];
                int length = await caller.ReceiveAsync(message, Cancellation);
                if (answer(message[4..length]) is not { } said)
                    continue;
                await caller.SendAsync(said, Cancellation);
                caller.Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was closed: the test is over.
        }

        open.ForEach(s => s.Dispose());
    }

    /// <summary>An answer that has the key by which every user is let in.</summary>
    private byte[] Listing()
    {
        byte[] blob = Convert.FromBase64String(File.ReadAllText(host.Key("openssh-ed25519.pub")).Split(' ')[1]);
        byte[] comment = Encoding.ASCII.GetBytes("mine");
        byte[] said = [12, 0, 0, 0, 1, .. Length(blob), .. blob, .. Length(comment), .. comment];
        return [.. Length(said), .. said];

        static byte[] Length(byte[] of)
        {
            byte[] length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, of.Length);
            return length;
        }
    }
}
