namespace NatDsa.Help.Module;

/// <summary>Types as a PowerShell user writes them.</summary>
internal static class TypeNames
{
    /// <summary>Such as <c>String[]</c> or <c>NatStatus</c>.</summary>
    public static string Short(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Short(underlying);
        if (ElementOf(type) is { } element)
            return Short(element) + "[]";
        if (!type.IsGenericType)
            return type.Name;
        return $"{type.Name[..type.Name.IndexOf('`')]}[{string.Join(", ", type.GetGenericArguments().Select(Short))}]";
    }

    /// <summary>What an array or another sequence holds; null for other types.</summary>
    public static Type? ElementOf(Type type) =>
        type == typeof(string) ? null
        : type.IsArray ? type.GetElementType()
        : type.GetInterfaces().Append(type).Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>))
            .Select(i => i.GetGenericArguments()[0]).FirstOrDefault();
}
