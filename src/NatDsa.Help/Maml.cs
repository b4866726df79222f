using System.Management.Automation;
using System.Reflection;
using System.Xml.Linq;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using NatDsa.Help.Module;
using NatDsa.Help.Pages;

namespace NatDsa.Help;

/// <summary>The cmdlets' help in the form that Get-Help reads: names and types from the module, words from the pages.</summary>
internal sealed class Maml
{
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace s_dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private readonly ModuleCommand _command;
    private readonly XmlDocs _docs;
    private readonly Passage _page;
    private readonly Flaws _flaws;
    private readonly Dictionary<string, string[]> _descriptions = new(StringComparer.Ordinal);

    private Maml(ModuleCommand command, XmlDocs docs, Passage page, Flaws flaws) => (_command, _docs, _page, _flaws) = (command, docs, page, flaws);

    /// <summary>Writes the help of all cmdlets, each from the page that has its name.</summary>
    public static XElement Write(IEnumerable<ModuleCommand> commands, XmlDocs docs, string pages, Flaws flaws)
    {
        var items = new XElement(XNamespace.Get("http://msh") + "helpItems", new XAttribute("schema", "maml"));
        foreach (ModuleCommand command in commands)
        {
            if (Page.Read(Path.Combine(pages, command.Name + ".md"), flaws) is { } page)
                items.Add(new Maml(command, docs, page, flaws).Command());
        }

        return items;
    }

    private XElement Command()
    {
        if (_page.Title != _command.Name)
            _flaws.Add(_page.File, _page.Line, $"the title should be the cmdlet's name, {_command.Name}");
        foreach (Passage section in _page.Parts)
        {
            if (section.Title is not ("Description" or "Examples" or "Parameters" or "Outputs" or "Notes" or "Related links"))
                _flaws.Add(section.File, section.Line, $"a cmdlet's page has no section '{section.Title}'");
        }

        ReadDescriptions();
        string[] name = _command.Name.Split('-', 2);
        return new XElement(s_command + "command",
            new XAttribute(XNamespace.Xmlns + "command", s_command),
            new XAttribute(XNamespace.Xmlns + "maml", s_maml),
            new XAttribute(XNamespace.Xmlns + "dev", s_dev),
            new XElement(s_command + "details",
                new XElement(s_command + "name", _command.Name),
                new XElement(s_command + "verb", name[0]),
                new XElement(s_command + "noun", name[1]),
                Description(Needed(_page.Blocks, "the synopsis, a sentence under the title", _page))),
            Description(Needed(Section("Description")?.Blocks ?? [], "words under Description", _page)),
            new XElement(s_command + "syntax", _command.Syntax().Select(set => new XElement(s_command + "syntaxItem",
                new XElement(s_maml + "name", _command.Name),
                set.Select(p => Parameter(p.Parameter, p.Use, inSyntax: true))))),
            new XElement(s_command + "parameters", _command.Parameters.Select(p => Parameter(p, p.Sets.Values.First(), inSyntax: false))),
            new XElement(s_command + "inputTypes", Inputs()),
            new XElement(s_command + "returnValues", _command.OutputTypes.Select(Output)),
            _page["Notes"] is { } notes ? new XElement(s_maml + "alertSet", new XElement(s_maml + "alert", Paragraphs(PlainText.Paragraphs(notes.Blocks, _flaws)))) : null,
            new XElement(s_command + "examples", Examples()),
            new XElement(s_command + "relatedLinks", Links()));
    }

    private Passage? Section(string title)
    {
        if (_page[title] is { } section)
            return section;
        _flaws.Add(_page.File, _page.Line, $"the page has no section '## {title}'");
        return null;
    }

    private void ReadDescriptions()
    {
        if (Section("Parameters") is not { } section)
            return;
        foreach (Passage part in section.Parts)
        {
            string name = part.Title.TrimStart('-');
            if (!_command.Parameters.Any(p => "-" + p.Name == part.Title))
                _flaws.Add(part.File, part.Line, $"{_command.Name} has no parameter {part.Title}");
            else if (!_descriptions.TryAdd(name, Needed(part.Blocks, $"words on {part.Title}", part)))
                _flaws.Add(part.File, part.Line, $"{_command.Name} has {part.Title} described twice");
        }

        foreach (ModuleParameter parameter in _command.Parameters.Where(p => !_descriptions.ContainsKey(p.Name)))
            _flaws.Add(section.File, section.Line, $"{_command.Name} has a parameter -{parameter.Name} that is not described: add '### -{parameter.Name}' here, or to a page that stands here");
    }

    private string[] Needed(IEnumerable<PageBlock> blocks, string what, Passage where)
    {
        string[] paragraphs = [.. PlainText.Paragraphs(blocks, _flaws)];
        if (paragraphs.Length == 0)
            _flaws.Add(where.File, where.Line, $"{what}, are missing here");
        return paragraphs;
    }

    private XElement Parameter(ModuleParameter parameter, ParameterSetMetadata use, bool inSyntax)
    {
        string type = TypeNames.Short(parameter.Type);
        bool many = parameter.Type.IsArray;
        IEnumerable<ParameterSetMetadata> uses = inSyntax ? [use] : parameter.Sets.Values;
        int position = uses.Select(u => u.Position).FirstOrDefault(p => p >= 0, -1);
        return new XElement(s_command + "parameter",
            new XAttribute("required", uses.Any(u => u.IsMandatory) ? "true" : "false"),
            new XAttribute("variableLength", many ? "true" : "false"),
            new XAttribute("globbing", parameter.TakesWildcards ? "true" : "false"),
            new XAttribute("pipelineInput", PipelineInput(uses)),
            new XAttribute("position", position < 0 ? "named" : position),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(s_maml + "name", parameter.Name),
            Description([.. _descriptions.GetValueOrDefault(parameter.Name) ?? [], .. Limits(parameter)]),
            inSyntax && parameter.Words.Count > 0
                ? new XElement(s_command + "parameterValueGroup", parameter.Words.Select(word => Value(word, required: false, many: false)))
                : null,
            inSyntax && parameter.IsSwitch ? null : Value(type, required: !parameter.IsSwitch, many),
            new XElement(s_dev + "type", new XElement(s_maml + "name", type), new XElement(s_maml + "uri")),
            new XElement(s_dev + "defaultValue", parameter.Default));
    }

    private static XElement Value(string text, bool required, bool many) =>
        new(s_command + "parameterValue", new XAttribute("required", required ? "true" : "false"), new XAttribute("variableLength", many ? "true" : "false"), text);

    private static string PipelineInput(IEnumerable<ParameterSetMetadata> uses)
    {
        List<string> ways = [];
        if (uses.Any(u => u.ValueFromPipeline))
            ways.Add("ByValue");
        if (uses.Any(u => u.ValueFromPipelineByPropertyName))
            ways.Add("ByPropertyName");
        return ways.Count == 0 ? "False" : $"True ({string.Join(", ", ways)})";
    }

    private IEnumerable<string> Limits(ModuleParameter parameter)
    {
        if (parameter.Type.IsEnum)
            return [Values(parameter.Type)];
        return parameter.Range switch
        {
            null => [],
            { Max: int.MaxValue } range => [$"At least {range.Min}."],
            { } range => [$"From {range.Min} to {range.Max}."],
        };
    }

    private IEnumerable<XElement> Inputs()
    {
        ModuleParameter[] fed = [.. _command.Parameters.Where(p => p.Sets.Values.Any(u => u.ValueFromPipeline))];
        foreach (ModuleParameter parameter in fed)
        {
            Type type = TypeNames.ElementOf(parameter.Type) ?? parameter.Type;
            yield return Typed("inputType", type, [$"-{parameter.Name}: {_descriptions.GetValueOrDefault(parameter.Name)?[0]}"]);
        }

        string[] named = [.. _command.Parameters.Where(p => p.Sets.Values.Any(u => u.ValueFromPipelineByPropertyName)).Select(p => p.Name)];
        if (named.Length > 0)
            yield return Typed("inputType", typeof(object), [$"Any object with properties of these names: {string.Join(", ", named)}."]);
    }

    private XElement Output(Type type)
    {
        if (Section("Outputs")?[type.FullName!] is not { } part)
        {
            Passage where = _page["Outputs"] ?? _page;
            _flaws.Add(where.File, where.Line, $"{_command.Name} writes {type.FullName}: add '### {type.FullName}' under Outputs");
            return Typed("returnValue", type, []);
        }

        IEnumerable<string> words = Needed(part.Blocks, $"words on {type.FullName}", part);
        return Typed("returnValue", type, type.Assembly.GetName().Name!.StartsWith("NatDsa", StringComparison.Ordinal) ? [.. words, .. Properties(type)] : words);
    }

    private IEnumerable<string> Properties(Type type)
    {
        var told = new HashSet<Type>();

        // What a base class has comes first: which host it is.
        PropertyInfo[] properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
        foreach (PropertyInfo property in properties.OrderBy(p => XmlDocs.DeclaringType(p) == type))
        {
            if (_docs.Summary(property) is not { } summary)
            {
                _flaws.Add(_page.File, _page.Line, $"{type.FullName}.{property.Name} has no XML documentation, and help shows it");
                continue;
            }

            yield return $"{property.Name} ({TypeNames.Short(_command.ScriptTypeOf(property))}): {summary}";
            Type bare = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            if (bare.IsEnum && told.Add(bare) && bare.Assembly.GetName().Name!.StartsWith("NatDsa", StringComparison.Ordinal))
                yield return Values(bare);
        }
    }

    private string Values(Type type) =>
        string.Join('\n', type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(value => $"- {value.Name}: {_docs.Summary(value)}"));

    private static XElement Typed(string element, Type type, IEnumerable<string> description) =>
        new(s_command + element,
            new XElement(s_dev + "type", new XElement(s_maml + "name", type.FullName), new XElement(s_maml + "uri")),
            Description(description));

    private IEnumerable<XElement> Examples()
    {
        if (Section("Examples") is not { Parts: var parts } section)
            yield break;
        if (parts.Count == 0)
            _flaws.Add(section.File, section.Line, "there is no example here");
        for (int i = 0; i < parts.Count; i++)
        {
            int code = parts[i].Blocks.FindIndex(b => b.Block is FencedCodeBlock { Info: "powershell" });
            if (code < 0)
            {
                _flaws.Add(parts[i].File, parts[i].Line, "an example shows a command, in a block ```powershell");
                continue;
            }

            yield return new XElement(s_command + "example",
                new XElement(s_maml + "title", $"---------- Example {i + 1}: {parts[i].Title} ----------"),
                new XElement(s_dev + "code", string.Join('\n', [.. Comment(parts[i].Blocks.Take(code)), PlainText.Code((FencedCodeBlock)parts[i].Blocks[code].Block)])),
                new XElement(s_dev + "remarks", Paragraphs(PlainText.Paragraphs(parts[i].Blocks.Skip(code + 1), _flaws))));
        }
    }

    // Get-Help would show what stands in front of a command in the command's own line: as a comment it stands above.
    private IEnumerable<string> Comment(IEnumerable<PageBlock> blocks) =>
        PlainText.Paragraphs(blocks, _flaws, 110).SelectMany(paragraph => paragraph.Split('\n')).Select(line => "# " + line);

    private IEnumerable<XElement> Links()
    {
        foreach (PageBlock block in Section("Related links")?.Blocks ?? [])
        {
            if (block.Block is not ListBlock list)
            {
                _flaws.Add(block.File, block.Line, "related links are a list of links");
                continue;
            }

            foreach (LinkInline link in list.Descendants<LinkInline>())
            {
                string url = link.Url ?? "";
                bool isPage = !url.Contains(':', StringComparison.Ordinal);
                yield return new XElement(s_maml + "navigationLink",
                    new XElement(s_maml + "linkText", PlainText.Of(link)),
                    new XElement(s_maml + "uri", isPage ? "" : url));
            }
        }
    }

    private static XElement Description(IEnumerable<string> paragraphs) => new(s_maml + "description", Paragraphs(paragraphs));

    private static IEnumerable<XElement> Paragraphs(IEnumerable<string> paragraphs) => paragraphs.Select(text => new XElement(s_maml + "para", text));
}
