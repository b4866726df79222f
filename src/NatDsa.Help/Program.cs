using System.Text;
using System.Xml;
using System.Xml.Linq;
using NatDsa.Help.Module;

namespace NatDsa.Help;

/// <summary>
/// <c>NatDsa.Help MODULE.dll PAGES OUTPUT</c> makes MODULE.dll-Help.xml and about_*.help.txt in the folder OUTPUT out of the pages in
/// the folder PAGES. Every flaw is one line <c>file(line,1): error HELP: …</c>, which the build understands.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is not [string assembly, string pages, string output])
        {
            Console.Error.WriteLine("usage: NatDsa.Help MODULE.dll PAGES OUTPUT");
            return 2;
        }

        var flaws = new Flaws();
        IReadOnlyList<ModuleCommand> commands = ModuleCommand.ReadAll(assembly);
        XElement help = Maml.Write(commands, new XmlDocs(Path.GetDirectoryName(Path.GetFullPath(assembly))!), pages, flaws);
        var topics = Directory.EnumerateFiles(pages, "about_*.md").Order(StringComparer.Ordinal)
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file) + ".help.txt", file => AboutTopic.Write(file, flaws), StringComparer.Ordinal);
        foreach (string page in Directory.EnumerateFiles(pages, "*-*.md").Order(StringComparer.Ordinal))
        {
            if (!commands.Any(c => c.Name == Path.GetFileNameWithoutExtension(page)))
                flaws.Add(page, 0, $"the module has no cmdlet {Path.GetFileNameWithoutExtension(page)}: rename or remove its page");
        }

        if (flaws.Report(Console.Error))
            return 1;

        // Nothing of an older run is left.
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        Directory.CreateDirectory(output);
        var settings = new XmlWriterSettings { Indent = true, NewLineChars = "\n", Encoding = new UTF8Encoding(false) };
        using (var file = XmlWriter.Create(Path.Combine(output, Path.GetFileName(assembly) + "-Help.xml"), settings))
            help.Save(file);
        foreach ((string name, string text) in topics)
            File.WriteAllText(Path.Combine(output, name), text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        return 0;
    }
}
