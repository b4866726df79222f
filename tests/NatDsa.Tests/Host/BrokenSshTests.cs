using System.Management.Automation;
using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;

namespace NatDsa.Tests.Host;

public sealed class BrokenSshTests
{
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>PowerShell's own end of an ssh, which has died with something left to be written to it. The process of the tests survives as natdsa does.</summary>
    [Fact]
    public void A_process_outlives_an_ssh_that_has_died()
    {
        Type type = typeof(PowerShell).Assembly.GetType("System.Management.Automation.Remoting.Client.SSHClientSessionTransportManager", throwOnError: true)!;
        object transport = RuntimeHelpers.GetUninitializedObject(type);
        for (Type? part = type; part is not null; part = part.BaseType)
        {
            foreach (FieldInfo field in part.GetFields(Own).Where(f => f.FieldType is { IsValueType: false, IsAbstract: false }))
                field.SetValue(transport, field.FieldType.GetConstructor(Own, [])?.Invoke([]));
        }

        var input = new StreamWriter(new BufferedStream(new BrokenPipe()));
        input.Write("the rest");
        type.GetField("_stdInWriter", Own)!.SetValue(transport, input);

        bool isClosed = false;
        var thread = new Thread(() =>
        {
            type.GetMethod("CloseConnection", Own, [])!.Invoke(transport, BindingFlags.DoNotWrapExceptions, null, null, null);
            isClosed = true;
        });
        thread.Start();
        thread.Join();
        Assert.False(isClosed);
    }

    private sealed class BrokenPipe : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("Broken pipe");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("Broken pipe");
    }
}
