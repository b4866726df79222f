using System.Collections;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using System.Text;
using NatDsa.Host.Resources;

namespace NatDsa.Host;

/// <summary>What a command asks of the person at the terminal, in the form that pwsh gives it.</summary>
internal sealed class Questions(Terminal terminal)
{
    public string Line() => terminal.ReadLine() ?? "";

    public SecureString Secret(string question = "") => terminal.ReadSecret(question);

    /// <summary>Asks for each field, as the engine does for missing mandatory parameters.</summary>
    public Dictionary<string, PSObject> Fields(string caption, string message, Collection<FieldDescription> fields)
    {
        Introduce(caption, message);
        var answers = new Dictionary<string, PSObject>(StringComparer.OrdinalIgnoreCase);
        foreach (FieldDescription field in fields)
        {
            Type type = TypeOf(field);
            string label = (field.Label is { Length: > 0 } given ? given : field.Name).Replace("&", "", StringComparison.Ordinal);
            answers[field.Name] = PSObject.AsPSObject(type.IsArray ? List(label, type) : One(label, type));
        }

        return answers;
    }

    /// <summary>Asks until one of the choices is named, by its key or in full. An empty line takes the default.</summary>
    public int Choice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        Introduce(caption, message);
        (string Key, string Label)[] options = [.. choices.Select(KeyAndLabel)];
        while (true)
        {
            var question = new StringBuilder();
            foreach ((string key, string label) in options)
                question.Append(CultureInfo.InvariantCulture, $"[{key}] {label}  ");
            question.Append("[?] ").Append(Messages.ChoiceHelp);
            if (defaultChoice >= 0)
                question.Append(' ').Append(Messages.ChoiceDefault.With(options[defaultChoice].Key));
            terminal.WriteQuestion(question.Append(": ").ToString());

            string? answer = terminal.ReadLine()?.Trim();
            if (answer is null)
                throw new OperationCanceledException();
            if (answer is "" && defaultChoice >= 0)
                return defaultChoice;
            if (answer is "?")
            {
                for (int i = 0; i < options.Length; i++)
                    terminal.WriteQuestion($"{options[i].Key} - {choices[i].HelpMessage}{Environment.NewLine}");
                continue;
            }

            int chosen = Array.FindIndex(options, o =>
                answer.Equals(o.Key, StringComparison.OrdinalIgnoreCase) || answer.Equals(o.Label, StringComparison.OrdinalIgnoreCase));
            if (chosen >= 0)
                return chosen;
        }
    }

    public PSCredential Credential(string caption, string message, string? userName)
    {
        Introduce(caption, message);
        if (string.IsNullOrEmpty(userName))
        {
            terminal.WriteQuestion(Messages.UserNameQuestion);
            userName = Line();
        }

        return new PSCredential(userName, Secret(Messages.PasswordQuestion.With(userName)));
    }

    private void Introduce(string caption, string message)
    {
        foreach (string line in (string[])[caption, message])
        {
            if (!string.IsNullOrEmpty(line))
                terminal.WriteQuestion(line + Environment.NewLine);
        }
    }

    private object One(string label, Type type)
    {
        if (type == typeof(PSCredential))
            return Credential("", "", null);
        if (type == typeof(SecureString))
            return Secret(label + ": ");
        while (true)
        {
            terminal.WriteQuestion(label + ": ");
            if (TryConvert(Line(), type, out object? value))
                return value;
        }
    }

    private Array List(string label, Type type)
    {
        Type element = type.GetElementType()!;
        var values = new ArrayList();
        while (true)
        {
            terminal.WriteQuestion(string.Create(CultureInfo.InvariantCulture, $"{label}[{values.Count}]: "));
            string line = Line();
            if (line is "")
                return values.ToArray(element);
            if (TryConvert(line, element, out object? value))
                values.Add(value);
        }
    }

    private bool TryConvert(string line, Type type, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out object? value)
    {
        try
        {
            value = LanguagePrimitives.ConvertTo(line, type, CultureInfo.CurrentCulture);
            return true;
        }
        catch (PSInvalidCastException e)
        {
            terminal.WriteQuestion(e.Message + Environment.NewLine);
            value = null;
            return false;
        }
    }

    private static Type TypeOf(FieldDescription field) =>
        Type.GetType(field.ParameterAssemblyFullName) is { } exact ? exact
        : LanguagePrimitives.TryConvertTo(field.ParameterTypeFullName, out Type named) ? named
        : typeof(string);

    // "Yes to &All": the key is A, the label "Yes to All".
    private static (string Key, string Label) KeyAndLabel(ChoiceDescription choice)
    {
        int mark = choice.Label.IndexOf('&', StringComparison.Ordinal);
        string label = mark < 0 ? choice.Label : choice.Label.Remove(mark, 1);
        string key = mark >= 0 && mark < label.Length ? label.Substring(mark, 1).ToUpper(CultureInfo.CurrentCulture) : label;
        return (key, label);
    }
}
