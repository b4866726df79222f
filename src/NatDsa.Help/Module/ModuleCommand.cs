using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Reflection;

namespace NatDsa.Help.Module;

/// <summary>One cmdlet of the module, as the PowerShell engine itself understands it.</summary>
internal sealed class ModuleCommand
{
    private readonly Type? _scriptMembers;

    private ModuleCommand(Type type)
    {
        _scriptMembers = type.Assembly.GetType("NatDsa.Views.ScriptMembers");
        var metadata = new CommandMetadata(type);
        using var instance = Activator.CreateInstance(type) as IDisposable;
        Name = metadata.Name;
        Parameters = [.. metadata.Parameters.Values.Select(p => new ModuleParameter(p, DefaultOf(type, p.Name, instance)))];
        if (metadata.SupportsShouldProcess)
            Parameters = [.. Parameters, .. ParameterMetadata.GetParameterMetadata(typeof(ShouldProcessParameters)).Values.Select(p => new ModuleParameter(p, null))];
        DefaultSet = metadata.DefaultParameterSetName;
        OutputTypes = [.. type.GetCustomAttributes<OutputTypeAttribute>().SelectMany(o => o.Type).Select(t => t.Type)];
    }

    /// <summary>Such as <c>Get-NatIptablesState</c>.</summary>
    public string Name { get; }

    /// <summary>All parameters but those that every cmdlet has.</summary>
    public IReadOnlyList<ModuleParameter> Parameters { get; }

    /// <summary>What it writes.</summary>
    public IReadOnlyList<Type> OutputTypes { get; }

    private string? DefaultSet { get; }

    /// <summary>The parameter sets, the default one first, with their parameters in the order of the engine's own syntax.</summary>
    public IEnumerable<IReadOnlyList<(ModuleParameter Parameter, ParameterSetMetadata Use)>> Syntax()
    {
        IEnumerable<string> sets = Parameters.SelectMany(p => p.Sets.Keys).Append(DefaultSet ?? ParameterAttribute.AllParameterSets)
            .Distinct(StringComparer.Ordinal).OrderBy(s => s != DefaultSet);
        bool named = sets.Any(s => s != ParameterAttribute.AllParameterSets);
        foreach (string set in sets.Where(s => !named || s != ParameterAttribute.AllParameterSets))
        {
            yield return [.. Parameters
                .Select(p => (Parameter: p, Use: p.UseIn(set)))
                .Where(p => p.Use is not null)
                .Select(p => (p.Parameter, Use: p.Use!))
                .OrderBy(p => p.Use.Position < 0).ThenBy(p => p.Use.Position).ThenBy(p => !p.Use.IsMandatory)];
        }
    }

    /// <summary>
    /// The type that a property of what the cmdlet writes has in a script: NatDsa.Types.ps1xml may give it another.
    /// </summary>
    /// <param name="property">The property.</param>
    public Type ScriptTypeOf(PropertyInfo property) =>
        _scriptMembers?.GetMethod(property.DeclaringType!.Name + property.Name)?.ReturnType ?? property.PropertyType;

    /// <summary>Reads the module's cmdlets, by name.</summary>
    /// <param name="assembly">The module's assembly, with what it needs beside it.</param>
    public static IReadOnlyList<ModuleCommand> ReadAll(string assembly) =>
        [.. Assembly.LoadFrom(Path.GetFullPath(assembly)).GetExportedTypes()
            .Where(t => !t.IsAbstract && t.IsDefined(typeof(CmdletAttribute), inherit: false))
            .Select(t => new ModuleCommand(t))
            .OrderBy(c => c.Name, StringComparer.Ordinal)];

    // What a parameter is when nobody gives it, a new instance tells.
    private static object? DefaultOf(Type type, string parameter, object? instance) =>
        instance is null ? null : type.GetProperty(parameter)?.GetValue(instance) switch
        {
            SwitchParameter => false,
            IEnumerable values and not string => string.Join(", ", values.Cast<object>()),
            var value => value,
        };
}
