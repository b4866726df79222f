using System.Management.Automation;

namespace NatDsa.Views;

/// <summary>The colours of the views, taken from the user's own <c>$PSStyle</c>: what is well, what wants a look, what is broken.</summary>
public static class Tint
{
    /// <summary>The value's name in its colour. PowerShell takes the colour off again where output is redirected.</summary>
    /// <param name="value">A status, a risk, an outcome, or a bool.</param>
    /// <param name="style">The session's <c>$PSStyle</c>; null where there is none.</param>
    public static string Of(object? value, PSObject? style)
    {
        object? bare = value is PSObject wrapped ? wrapped.BaseObject : value;
        string text = bare?.ToString() ?? "";
        string? colour = bare switch
        {
            NatStatus.Healthy or DsaRisk.Protected or DsaRisk.DoesNotErase or DsaRisk.NotInstalled or true
                or ChangeOutcome.Done or ChangeOutcome.NothingToDo or ChangeStepStatus.Done => "Green",
            NatStatus.Erased or NatStatus.NatMissing or NatStatus.ForwardingOff or NatStatus.Incomplete
                or DsaRisk.ErasesOnNextStart or false
                or ChangeOutcome.Stuck or ChangeOutcome.Undone or ChangeOutcome.Refused
                or ChangeStepStatus.Failed or ChangeStepStatus.Stuck => "Red",
            NatStatus or DsaRisk or ChangeOutcome => "Yellow",
            _ => null,
        };
        return colour is not null && Escape(style, colour) is { } on ? $"{on}{text}{style!.Properties["Reset"].Value}" : text;
    }

    private static string? Escape(PSObject? style, string colour) =>
        style?.Properties["Foreground"]?.Value is { } foreground
            ? PSObject.AsPSObject(foreground).Properties[colour]?.Value as string
            : null;
}
