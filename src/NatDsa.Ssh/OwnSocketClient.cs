using System.Net.Sockets;
using System.Reflection;
using Renci.SshNet;

namespace NatDsa.Ssh;

/// <summary>
/// Makes an <see cref="SshClient"/> that talks over a socket that is connected already. SSH.NET makes its own, and gives nobody a
/// hold on it: its waits for the key exchange and for authentication could then not be broken off by a Ctrl+C. They end when the
/// socket is closed.
/// </summary>
/// <remarks>
/// The two seams that SSH.NET has for its own tests, IServiceFactory and IConnector, are internal, and are reached here by their
/// names. The version of SSH.NET is the project's own choice, and every test that connects goes through here.
/// </remarks>
internal static class OwnSocketClient
{
    private const BindingFlags AnyInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Assembly s_library = typeof(SshClient).Assembly;
    private static readonly Type s_factory = Named("Renci.SshNet.IServiceFactory");
    private static readonly Type s_connector = Named("Renci.SshNet.Connection.IConnector");
    private static readonly object s_realFactory = Activator.CreateInstance(Named("Renci.SshNet.ServiceFactory"), nonPublic: true)!;

    private static readonly ConstructorInfo s_newClient = typeof(SshClient).GetConstructor(AnyInstance, [typeof(ConnectionInfo), typeof(bool), s_factory])
        ?? throw Missing("SshClient's constructor");

    private static readonly ConstructorInfo s_newSession =
        typeof(Session).GetConstructor(AnyInstance, [typeof(ConnectionInfo), s_factory, Named("Renci.SshNet.Connection.ISocketFactory")])
        ?? throw Missing("Session's constructor");

    /// <summary>Makes the client; connecting it sends the first byte.</summary>
    public static SshClient Create(ConnectionInfo connection, Socket socket)
    {
        var factory = (FactoryProxy)DispatchProxy.Create(s_factory, typeof(FactoryProxy));
        factory.Socket = socket;
        return (SshClient)s_newClient.Invoke([connection, false, factory]);
    }

    private static Type Named(string name) => s_library.GetType(name) ?? throw Missing(name);

    private static MissingMemberException Missing(string what) => new($"SSH.NET {s_library.GetName().Version} has no {what}.");

    private class FactoryProxy : DispatchProxy
    {
        public Socket Socket { get; set; } = null!;

        protected override object? Invoke(MethodInfo? method, object?[]? arguments)
        {
            switch (method!.Name)
            {
                case "CreateSession":
                    return s_newSession.Invoke(BindingFlags.DoNotWrapExceptions, null, [arguments![0], this, arguments[1]], null);
                case "CreateConnector":
                    var connector = (ConnectorProxy)Create(s_connector, typeof(ConnectorProxy));
                    connector.Socket = Socket;
                    return connector;
                default:
                    return method.Invoke(s_realFactory, BindingFlags.DoNotWrapExceptions, null, arguments, null);
            }
        }
    }

    private class ConnectorProxy : DispatchProxy
    {
        public Socket Socket { get; set; } = null!;

        protected override object? Invoke(MethodInfo? method, object?[]? arguments) =>
            method!.Name == "Connect" ? Socket : Task.FromResult(Socket);
    }
}
