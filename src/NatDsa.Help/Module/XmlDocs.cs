using System.Reflection;
using System.Text;
using System.Xml.Linq;

namespace NatDsa.Help.Module;

/// <summary>The summaries that the compiler writes beside the module's assemblies.</summary>
internal sealed class XmlDocs(string folder)
{
    private readonly Dictionary<string, Dictionary<string, XElement>> _assemblies = new(StringComparer.Ordinal);

    /// <summary>The summary of a property, of the one that it overrides, or of an enum's value.</summary>
    /// <returns>Null when it has none.</returns>
    public string? Summary(MemberInfo member)
    {
        Type type = DeclaringType(member);
        string id = $"{(member is PropertyInfo ? 'P' : 'F')}:{type.FullName!.Replace('+', '.')}.{member.Name}";
        return Members(type.Assembly.GetName().Name!).GetValueOrDefault(id)?.Element("summary") is { } summary ? Text(summary) : null;
    }

    /// <summary>The type that has a member first, whoever overrides it.</summary>
    public static Type DeclaringType(MemberInfo member) =>
        (member as PropertyInfo)?.GetMethod?.GetBaseDefinition().DeclaringType ?? member.DeclaringType!;

    private Dictionary<string, XElement> Members(string assembly)
    {
        if (!_assemblies.TryGetValue(assembly, out Dictionary<string, XElement>? members))
        {
            string file = Path.Combine(folder, assembly + ".xml");
            members = !File.Exists(file) ? [] : XDocument.Load(file).Descendants("member").ToDictionary(m => (string)m.Attribute("name")!, StringComparer.Ordinal);
            _assemblies.Add(assembly, members);
        }

        return members;
    }

    private static string Text(XElement element)
    {
        var text = new StringBuilder();
        foreach (XNode node in element.DescendantNodes())
        {
            text.Append(node switch
            {
                XText words => words.Value,
                XElement { Name.LocalName: "see" or "seealso" } see => LastWord((string?)see.Attribute("cref") ?? (string?)see.Attribute("langword") ?? ""),
                XElement { Name.LocalName: "paramref" } reference => (string?)reference.Attribute("name"),
                _ => "",
            });
        }

        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string LastWord(string reference) => reference[(reference.LastIndexOfAny(['.', ':']) + 1)..];
}
