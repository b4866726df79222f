using System.Management.Automation;
using System.Text.RegularExpressions;
using NatDsa.Targets;
using NatDsa.Tests.Running;
using Xunit;

namespace NatDsa.Tests.Targets;

/// <summary>Scripts catch errors by their category: an id has one, wherever it is made.</summary>
public sealed partial class ErrorCategoriesTests
{
    private static string[] Ids => [.. typeof(ErrorIds).GetFields().Select(id => (string)id.GetValue(null)!)];

    [Fact]
    public void Every_id_has_the_category_that_the_document_lists()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"));
        (string Id, ErrorCategory Category)[] listed =
        [
            .. from row in CategoryRow().Matches(document)
               where Enum.IsDefined(typeof(ErrorCategory), row.Groups[1].Value)
               from id in Word().Matches(row.Groups[2].Value)
               select (id.Groups[1].Value, Enum.Parse<ErrorCategory>(row.Groups[1].Value)),
        ];
        Assert.Equal(Ids.Select(id => (id, ErrorCategories.Of(id))).Order(), listed.Order());
    }

    [Fact]
    public void What_is_no_id_has_none() => Assert.Throws<ArgumentException>(() => ErrorCategories.Of("NoSuchId"));

    [Fact]
    public void No_error_is_made_with_a_category_of_its_own()
    {
        string[] sources = Directory.GetFiles(
            Path.Combine(Repository.Root, "src", "NatDsa"), "*.cs", SearchOption.AllDirectories);
        Assert.Equal(
            ["ErrorCategories.cs"],
            sources.Where(file => Category().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName));
    }

    [GeneratedRegex(@"^\| (\w+) \| (`.+`) \|$", RegexOptions.Multiline)]
    private static partial Regex CategoryRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Word();

    [GeneratedRegex(@"ErrorCategory\.\w")]
    private static partial Regex Category();
}
