using System.Globalization;
using System.Management.Automation;

namespace NatDsa.Help.Module;

/// <summary>One parameter of a cmdlet.</summary>
internal sealed class ModuleParameter(ParameterMetadata metadata, object? defaultValue)
{
    /// <summary>Its name, without the hyphen.</summary>
    public string Name => metadata.Name;

    /// <summary>Its other names.</summary>
    public IReadOnlyList<string> Aliases => metadata.Aliases;

    /// <summary>What it takes.</summary>
    public Type Type => Nullable.GetUnderlyingType(metadata.ParameterType) ?? metadata.ParameterType;

    /// <summary>Whether it takes no value.</summary>
    public bool IsSwitch => metadata.SwitchParameter;

    /// <summary>Whether wildcards count in its values.</summary>
    public bool TakesWildcards => metadata.Attributes.OfType<SupportsWildcardsAttribute>().Any();

    /// <summary>What it does in each parameter set.</summary>
    public IReadOnlyDictionary<string, ParameterSetMetadata> Sets => metadata.ParameterSets;

    /// <summary>What it is when it is not given.</summary>
    public string Default => Convert.ToString(defaultValue, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : IsSwitch ? "False" : "None";

    /// <summary>The words that it takes, where there is a list of them.</summary>
    public IReadOnlyList<string> Words =>
        Type.IsEnum ? Enum.GetNames(Type) : [.. metadata.Attributes.OfType<ValidateSetAttribute>().SelectMany(a => a.ValidValues)];

    /// <summary>The smallest and the largest value, where they are limited.</summary>
    public (object Min, object Max)? Range =>
        metadata.Attributes.OfType<ValidateRangeAttribute>().FirstOrDefault() is { MinRange: { } min, MaxRange: { } max } ? (min, max) : null;

    /// <summary>What it does in a parameter set; null when it is not in it.</summary>
    public ParameterSetMetadata? UseIn(string set) =>
        Sets.TryGetValue(set, out ParameterSetMetadata? use) || Sets.TryGetValue(ParameterAttribute.AllParameterSets, out use) ? use : null;
}
