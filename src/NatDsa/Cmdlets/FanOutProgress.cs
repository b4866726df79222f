using System.Diagnostics;
using System.Management.Automation;
using NatDsa.Resources;

namespace NatDsa.Cmdlets;

/// <summary>How far a cmdlet is with many hosts. All of it is called on the pipeline's thread.</summary>
internal sealed class FanOutProgress(PSCmdlet cmdlet)
{
    private readonly Stopwatch _clock = new();
    private int _expected;
    private int _done;
    private int _failed;
    private bool _isAll;
    private bool _isShown;

    /// <summary>So many hosts more.</summary>
    public void Expect(int hosts)
    {
        _clock.Start();
        _expected += hosts;
    }

    /// <summary>No host comes any more: from now on it can be said how long it will take.</summary>
    public void ExpectNoMore() => _isAll = true;

    /// <summary>A host is through.</summary>
    public void End(bool failed)
    {
        _done++;
        if (failed)
            _failed++;
        // One host alone is not progress.
        if (_expected > 1)
            Show(ProgressRecordType.Processing);
    }

    /// <summary>All are through.</summary>
    public void Complete()
    {
        if (_isShown)
            Show(ProgressRecordType.Completed);
    }

    private void Show(ProgressRecordType type)
    {
        _isShown = true;
        int remaining = Math.Max(0, _expected - _done);
        cmdlet.WriteProgress(new ProgressRecord(0, cmdlet.MyInvocation.MyCommand.Name, Messages.FanOutProgress.With(_done - _failed, _failed, remaining))
        {
            RecordType = type,
            PercentComplete = _isAll ? Math.Min(100, 100 * _done / _expected) : -1,
            SecondsRemaining = _isAll ? (int)(_clock.Elapsed.TotalSeconds / _done * remaining) : -1,
        });
    }
}
