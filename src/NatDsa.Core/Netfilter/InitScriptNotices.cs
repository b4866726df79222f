namespace NatDsa.Netfilter;

/// <summary>
/// The one-line answers of the RHEL 5 and 6 init script's <c>status</c> when there are no rules to show. Only sentences that are known are
/// taken: any other single line (<c>iptables: unrecognized service</c>) says nothing of the rules.
/// </summary>
internal static class InitScriptNotices
{
    public static RulesetNotice In(ReadOnlySpan<char> text)
    {
        text = text.Trim("\uFEFF \t\r\n");
        if (text.Length > 200 || text.Contains('\n'))
            return RulesetNotice.None;
        if (text.Contains("Firewall", StringComparison.Ordinal))
        {
            return Says(text, "is not running") || Says(text, "is stopped") ? RulesetNotice.NotRunning
                : Says(text, "modules are not loaded") ? RulesetNotice.ModulesNotLoaded
                : Says(text, "is not configured") ? RulesetNotice.NotConfigured
                : RulesetNotice.None;
        }

        if (Says(text, "ファイアウォール") && (Says(text, "ません") || Says(text, "停止")))
        {
            return Says(text, "モジュール") ? RulesetNotice.ModulesNotLoaded
                : Says(text, "設定") ? RulesetNotice.NotConfigured
                : Says(text, "実行") || Says(text, "稼働") || Says(text, "稼動") || Says(text, "動作") || Says(text, "起動") || Says(text, "停止") ? RulesetNotice.NotRunning
                : RulesetNotice.None;
        }

        return RulesetNotice.None;
    }

    private static bool Says(ReadOnlySpan<char> text, string words) => text.Contains(words, StringComparison.Ordinal);
}
