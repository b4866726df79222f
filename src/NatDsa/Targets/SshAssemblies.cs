using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace NatDsa.Targets;

/// <summary>
/// Loads NatDsa.Ssh and what it brings, SSH.NET above all, when the first host is reached by SSH, in a context of their own: the
/// copy of SSH.NET that another module has loaded, Posh-SSH say, and this one never meet. They lie in a folder of their own, where
/// nothing else looks for assemblies.
/// </summary>
public sealed class SshAssemblies : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private const string Entry = "NatDsa.Ssh";

    // Types that were loaded once stay: a module that is imported again, or in another runspace, finds them here.
    private static readonly Lazy<Context> s_context = new(() => new Context());

    /// <summary>The module is imported.</summary>
    public void OnImport() => Register();

    /// <summary>The module is removed.</summary>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        IdleConnections.OfProcess.CloseAll();
        Owner.Resolving -= Resolve;
    }

    /// <summary>Has the module's own context ask here for what it does not find.</summary>
    internal static void Register()
    {
        Owner.Resolving -= Resolve;
        Owner.Resolving += Resolve;
    }

    private static AssemblyLoadContext Owner => AssemblyLoadContext.GetLoadContext(typeof(SshAssemblies).Assembly)!;

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name) =>
        name.Name == Entry ? s_context.Value.LoadFromAssemblyName(name) : null;

    private sealed class Context() : AssemblyLoadContext(Entry)
    {
        private static readonly string s_folder = Path.Combine(Path.GetDirectoryName(typeof(SshAssemblies).Assembly.Location)!, "ssh");

        // What is not in the folder is the framework's, and comes from the default context.
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            string path = Path.Combine(s_folder, assemblyName.Name + ".dll");
            return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }
    }
}
