using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using NatDsa.Resources;
using Xunit;

namespace NatDsa.Tests;

/// <summary>English and Japanese say the same things.</summary>
public sealed partial class MessagesTests
{
    private static readonly CultureInfo Japanese = CultureInfo.GetCultureInfo("ja");

    public static TheoryData<string> Keys => [.. Texts(CultureInfo.InvariantCulture).Keys];

    [Fact]
    public void Both_languages_have_the_same_messages() =>
        Assert.Equal(Texts(CultureInfo.InvariantCulture).Keys.Order(), Texts(Japanese).Keys.Order());

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_message_takes_the_same_values_in_both_languages(string key) =>
        Assert.Equal(Placeholders(Texts(CultureInfo.InvariantCulture)[key]), Placeholders(Texts(Japanese)[key]));

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_message_is_a_valid_format_in_both_languages(string key)
    {
        object[] values = [.. Enumerable.Repeat("x", 8)];
        Assert.NotEqual("", string.Format(CultureInfo.InvariantCulture, Texts(CultureInfo.InvariantCulture)[key], values));
        Assert.NotEqual("", string.Format(Japanese, Texts(Japanese)[key], values));
    }

    private static Dictionary<string, string> Texts(CultureInfo culture) =>
        Messages.ResourceManager.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!
            .Cast<DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string)e.Value!);

    private static IEnumerable<string> Placeholders(string text) =>
        Placeholder().Matches(text).Select(m => m.Value).Distinct().Order();

    [GeneratedRegex(@"\{\d+\}")]
    private static partial Regex Placeholder();
}
