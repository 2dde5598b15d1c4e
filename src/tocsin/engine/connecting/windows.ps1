#Requires -Version 5.1
#Requires -PSEdition Desktop
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Sends this computer's Windows events to your Tocsin service. Written by `tocsin connect` windows.

.DESCRIPTION
One file, made to be read. It needs Windows PowerShell 5.1, which is part of Windows 10, 11 and Server 2016 and later, and
nothing else: no domain, no group policy, no module, no download. It is the same for every computer and holds no secret.
Address, token and the certificate's digest stand in tocsin-windows.json beside it.

Start it as administrator, first to see what it would do, then to have it done, then to see that it works:

  powershell.exe -ExecutionPolicy RemoteSigned -File .\tocsin-windows.ps1 -Install -DryRun
  powershell.exe -ExecutionPolicy RemoteSigned -File .\tocsin-windows.ps1 -Install
  powershell.exe -ExecutionPolicy RemoteSigned -File .\tocsin-windows.ps1 -Test

What it changes is the list that Get-Change gives, and nothing else. -Install notes what was there before it changes a
thing; -Undo goes through the same list backwards and puts that back.

.PARAMETER Install
Makes the changes: audit policy, command lines in process events, PowerShell script-block logging, sizes of logs, a
folder under Program Files that only administrators can open, a name for this script's own events, and a scheduled task.
Sends what is logged from then on. Once more on a newer copy of this file: that one is used from then on.

.PARAMETER Undo
Puts everything back as it was before -Install. What somebody else has changed since is left as it is, and named.

.PARAMETER DryRun
With -Install or -Undo: shows each change, from what to what, and makes none.

.PARAMETER Test
Looks whether the service is reached and has the right certificate, writes an event and waits until it was posted.

.PARAMETER Show
Shows how far each log was sent, and what waits.

.PARAMETER Run
What the scheduled task does: sends new events until it has run for some hours. Not to be started by hand.
#>
[CmdletBinding()]
param(
    [switch]$Install,
    [switch]$Undo,
    [switch]$DryRun,
    [switch]$Test,
    [switch]$Show,
    [switch]$Run
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$Invariant = [System.Globalization.CultureInfo]::InvariantCulture
[System.Threading.Thread]::CurrentThread.CurrentCulture = $Invariant

# ------------------------------------------------------------------------------------------------------------------
# What is sent and what is changed
# ------------------------------------------------------------------------------------------------------------------

# The logs that are sent, where this computer has them. MiB: at least so large, so that a computer which could not
# reach the service for days still has what happened. On: switched on where it is off as installed.
$Logs = @(
    @{ Name = 'Security';                                                                     MiB = 256; On = $false },
    @{ Name = 'System';                                                                       MiB = 64;  On = $false },
    @{ Name = 'Application';                                                                  MiB = 64;  On = $false },
    @{ Name = 'Microsoft-Windows-Sysmon/Operational';                                         MiB = 256; On = $false },
    @{ Name = 'Microsoft-Windows-PowerShell/Operational';                                     MiB = 128; On = $false },
    @{ Name = 'Windows PowerShell';                                                           MiB = 32;  On = $false },
    @{ Name = 'PowerShellCore/Operational';                                                   MiB = 64;  On = $false },
    @{ Name = 'Microsoft-Windows-Windows Defender/Operational';                               MiB = 32;  On = $false },
    @{ Name = 'Microsoft-Windows-TaskScheduler/Operational';                                  MiB = 32;  On = $true },
    @{ Name = 'Microsoft-Windows-TerminalServices-LocalSessionManager/Operational';           MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational';       MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-WMI-Activity/Operational';                                   MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-Bits-Client/Operational';                                    MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-CodeIntegrity/Operational';                                  MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-Windows Firewall With Advanced Security/Firewall';           MiB = 16;  On = $false },
    @{ Name = 'Microsoft-Windows-AppLocker/EXE and DLL';                                      MiB = 16;  On = $false },
    @{ Name = 'OpenSSH/Operational';                                                          MiB = 16;  On = $false }
)

# Audit subcategories by their identifiers, which are the same in every language ([MS-GPAC] 2.2.1.2).
# Bits: 1 success, 2 failure. What is audited already stays audited.
$Audited = @(
    @{ Name = 'Credential Validation';       Guid = '{0CCE923F-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Kerberos Authentication';     Guid = '{0CCE9242-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Kerberos Service Tickets';    Guid = '{0CCE9240-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'User Account Management';     Guid = '{0CCE9235-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Computer Account Management'; Guid = '{0CCE9236-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Security Group Management';   Guid = '{0CCE9237-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Process Creation';            Guid = '{0CCE922B-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Plug and Play';               Guid = '{0CCE9248-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Logon';                       Guid = '{0CCE9215-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Logoff';                      Guid = '{0CCE9216-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Account Lockout';             Guid = '{0CCE9217-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Special Logon';               Guid = '{0CCE921B-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Other Logon Events';          Guid = '{0CCE921C-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'File Share';                  Guid = '{0CCE9224-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Other Object Access Events';  Guid = '{0CCE9227-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Audit Policy Change';         Guid = '{0CCE922F-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Authentication Policy';       Guid = '{0CCE9230-69AE-11D9-BED3-505054503030}'; Bits = 1 },
    @{ Name = 'Firewall Rule Change';        Guid = '{0CCE9232-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Security State Change';       Guid = '{0CCE9210-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'Security System Extension';   Guid = '{0CCE9211-69AE-11D9-BED3-505054503030}'; Bits = 3 },
    @{ Name = 'System Integrity';            Guid = '{0CCE9212-69AE-11D9-BED3-505054503030}'; Bits = 3 }
)

# Registry values, all numbers (REG_DWORD).
$Values = @(
    @{ Name = 'SCENoApplyLegacyAuditPolicy'; Set = 1; Key = 'HKLM:\SYSTEM\CurrentControlSet\Control\Lsa' },
    @{ Name = 'ProcessCreationIncludeCmdLine_Enabled'; Set = 1
       Key = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\Audit' },
    @{ Name = 'EnableScriptBlockLogging'; Set = 1
       Key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\PowerShell\ScriptBlockLogging' }
)

$Folder = Join-Path ([Environment]::GetFolderPath('ProgramFiles')) 'Tocsin'
$InstalledScript = Join-Path $Folder 'tocsin-windows.ps1'
$InstalledSettings = Join-Path $Folder 'tocsin-windows.json'
$UndoFile = Join-Path $Folder 'before.json'        # what was there before -Install
$MarksFile = Join-Path $Folder 'sent.txt'          # how far each log was sent: log|record|its time in ticks
$NextMarksFile = Join-Path $Folder 'next.txt'      # the same once the waiting batch is acknowledged
$BatchFile = Join-Path $Folder 'next.batch'        # the waiting batch, byte for byte
$ProblemFile = Join-Path $Folder 'problem.txt'      # why the last try to post failed; not there where it did not
$TaskName = 'Tocsin event sender'
$SourceName = 'Tocsin'                             # under this name the script writes its own events to Application
$System32 = [Environment]::SystemDirectory
$Computer = [Environment]::MachineName
$LineEnd = [string][char]13 + [string][char]10

# Numbers of this script's own events.
$NoteTest = 1; $NoteEmptied = 10; $NoteGap = 11; $NoteUnread = 12; $NoteRefused = 13; $NoteDenied = 14; $NoteFresh = 15
$NoteUnkept = 16

# Bounds.
$BatchRecords = 200          # records of one log in a batch
$BatchChars = 262144         # characters of one log in a batch; one record may go beyond
$PauseSeconds = 10           # between looks
$RunHours = 24               # then the task ends, and Windows starts it anew within five minutes
$LongestWait = 120           # seconds between tries: well within the 5 minutes in which a repeat is known as one
$SecondsToConnect = 10
$SecondsToAnswer = 60
$RefusedKept = 20            # batches that were refused and are kept

function Get-Change {
    # Every change there is, in order. -Install goes down this list and -Undo goes up.
    @{ Kind = 'Folder'; At = $Folder; Want = 1; What = 'folder for this script, its settings and what waits' }
    foreach ($one in $Values) {
        @{ Kind = 'Registry'; At = $one.Key + '|' + $one.Name; Want = $one.Set; What = 'registry value' }
    }
    foreach ($one in $Audited) {
        @{ Kind = 'Audit'; At = $one.Guid; Want = $one.Bits; What = 'audit policy ' + $one.Name }
    }
    foreach ($one in $Logs) {
        @{ Kind = 'LogSize'; At = $one.Name; Want = $one.MiB * 1048576; What = 'largest size of the log' }
        if ($one.On) { @{ Kind = 'LogOn'; At = $one.Name; Want = 1; What = 'log switched on' } }
    }
    @{ Kind = 'Source'; At = $SourceName; Want = 1; What = 'name for own events in Application' }
    @{ Kind = 'Task'; At = $TaskName; Want = 1; What = 'scheduled task, as SYSTEM' }
}

# ------------------------------------------------------------------------------------------------------------------
# One change: what is, making it so, taking it back
# ------------------------------------------------------------------------------------------------------------------

function Use-Tool([string]$Name, [string[]]$Words) {
    # Runs a program of Windows itself, by its full path, and gives what it prints.
    $said = & (Join-Path $System32 $Name) @Words
    if ($LASTEXITCODE -ne 0) { throw "$Name $Words failed with $LASTEXITCODE. $said" }
    return $said
}

function Read-AuditPolicy {
    # Subcategory -> bits, from auditpol's backup: its last column is a number in every language.
    $file = Join-Path ([System.IO.Path]::GetTempPath()) ([Guid]::NewGuid().ToString() + '.csv')
    try {
        $null = Use-Tool 'auditpol.exe' @('/backup', "/file:$file")
        $lines = [System.IO.File]::ReadAllLines($file)
    } finally {
        if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file }
    }
    $found = @{}
    foreach ($line in $lines) {
        # The first line of a subcategory is the policy of the system; those of single users come after it.
        $line = $line.Replace("`0", '')
        if ($line -match '(\{[0-9A-Fa-f-]{36}\}).*,([0-3])\s*$' -and -not $found.ContainsKey($Matches[1].ToUpperInvariant())) {
            $found[$Matches[1].ToUpperInvariant()] = [int]$Matches[2]
        }
    }
    if ($found.Count -eq 0) { throw 'auditpol /backup gave no audit policy.' }
    return $found
}

$Policy = $null    # what Read-AuditPolicy gave, until something is changed

function Get-Log([string]$Name) {
    # The settings of a log; nothing where this computer has no such log.
    try { return New-Object System.Diagnostics.Eventing.Reader.EventLogConfiguration $Name }
    catch { return $null }
}

function Read-Change($Change) {
    # What is now: a number, or $null where it is not there.
    switch ($Change.Kind) {
        'Folder' { if (Test-Path -LiteralPath $Change.At) { return 1 } }
        'Source' { if ([System.Diagnostics.EventLog]::SourceExists($Change.At)) { return 1 } }
        'Task' { if (Get-ScheduledTask -TaskName $Change.At -TaskPath '\' -ErrorAction SilentlyContinue) { return 1 } }
        'Audit' {
            if ($null -eq $script:Policy) { $script:Policy = Read-AuditPolicy }
            return $script:Policy[$Change.At]
        }
        'Registry' {
            $key, $name = $Change.At.Split('|')
            if (Test-Path -LiteralPath $key) {
                $item = Get-Item -LiteralPath $key
                if ($item.GetValueNames() -contains $name) { return $item.GetValue($name) }
            }
        }
        'LogSize' { $log = Get-Log $Change.At; if ($null -ne $log) { return $log.MaximumSizeInBytes } }
        'LogOn' { $log = Get-Log $Change.At; if ($null -ne $log) { return [int]$log.IsEnabled } }
    }
    return $null
}

function Write-Change($Change, $Value) {
    # Makes it so; $null takes away what was not there before.
    switch ($Change.Kind) {
        'Folder' { if ($null -eq $Value) { Remove-Item -LiteralPath $Folder -Recurse -Force } else { Copy-Files } }
        'Source' {
            if ($null -eq $Value) { [System.Diagnostics.EventLog]::DeleteEventSource($Change.At) }
            elseif ($null -eq (Read-Change $Change)) {
                [System.Diagnostics.EventLog]::CreateEventSource($Change.At, 'Application')
            }
        }
        'Task' {
            if ($null -ne (Read-Change $Change)) { Stop-Task }
            if ($null -eq $Value) { Unregister-ScheduledTask -TaskName $Change.At -TaskPath '\' -Confirm:$false }
            else { $null = Register-ScheduledTask -TaskName $Change.At -TaskPath '\' -Xml (Get-TaskXml) -Force }
        }
        'Audit' {
            # Only what differs is said.
            $differs = [int]$Value -bxor [int](Read-Change $Change)
            $words = @('/set', "/subcategory:$($Change.At)")
            if ($differs -band 1) { $words += '/success:' + (Get-Switch ($Value -band 1)) }
            if ($differs -band 2) { $words += '/failure:' + (Get-Switch ($Value -band 2)) }
            $null = Use-Tool 'auditpol.exe' $words
            $script:Policy = $null
        }
        'Registry' {
            $key, $name = $Change.At.Split('|')
            if ($null -eq $Value) { Remove-ItemProperty -LiteralPath $key -Name $name }
            else {
                if (-not (Test-Path -LiteralPath $key)) { $null = New-Item -Path $key -Force }
                $null = New-ItemProperty -LiteralPath $key -Name $name -Value $Value -PropertyType DWord -Force
            }
        }
        'LogSize' { $log = Get-Log $Change.At; $log.MaximumSizeInBytes = [long]$Value; $log.SaveChanges() }
        'LogOn' { $log = Get-Log $Change.At; $log.IsEnabled = [bool]$Value; $log.SaveChanges() }
    }
}

function Get-Switch([int]$Bit) {
    # As auditpol says it.
    if ($Bit) { return 'enable' }
    return 'disable'
}

function Stop-Task {
    # Ends the task, and waits until its process is gone.
    Stop-ScheduledTask -TaskName $TaskName -TaskPath '\'
    foreach ($try in 1..60) {
        if ((Get-ScheduledTask -TaskName $TaskName -TaskPath '\').State -ne 'Running') { break }
        Start-Sleep -Milliseconds 500
    }
}

function Get-Wanted($Change, $Now) {
    # What it is to be: never less than it is now.
    if ($null -eq $Now) { return $Change.Want }
    if ($Change.Kind -eq 'Audit') { return $Change.Want -bor $Now }
    if ($Change.Kind -eq 'LogSize') { return [Math]::Max([long]$Change.Want, [long]$Now) }
    return $Change.Want
}

function Copy-Files {
    # The folder under Program Files, where nobody but administrators can put anything, and in it this very file and the
    # settings. The token and what waits are for SYSTEM (SY) and Administrators (BA) alone; nothing is inherited (P).
    $rights = New-Object System.Security.AccessControl.DirectorySecurity
    $rights.SetSecurityDescriptorSddlForm('O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    if (Test-Path -LiteralPath $Folder) { [System.IO.Directory]::SetAccessControl($Folder, $rights) }
    else { $null = [System.IO.Directory]::CreateDirectory($Folder, $rights) }
    if ($PSCommandPath -ne $InstalledScript) {
        Copy-Item -LiteralPath $PSCommandPath -Destination $InstalledScript -Force
        Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'tocsin-windows.json') -Destination $InstalledSettings -Force
    }
}

function Get-TaskXml {
    # Started with Windows and every five minutes; while one runs, no second is started. It looks for new events every
    # ten seconds. (Started anew for each look, PowerShell would log this whole script each time.) RemoteSigned is what
    # Windows Server has as installed: a script that came from the Internet must be signed, one of this computer need not be.
    # Where a policy of yours asks for signed scripts only, that policy goes before this, and you sign the file.
    $shell = [System.Security.SecurityElement]::Escape((Join-Path $System32 'WindowsPowerShell\v1.0\powershell.exe'))
    $words = [System.Security.SecurityElement]::Escape(
        "-NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File `"$InstalledScript`" -Run")
    return @"
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Sends new Windows events to the Tocsin service.</Description></RegistrationInfo>
  <Triggers>
    <BootTrigger><Enabled>true</Enabled></BootTrigger>
    <TimeTrigger>
      <Repetition><Interval>PT5M</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>P1DT1H</ExecutionTimeLimit>
    <Priority>7</Priority>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>$shell</Command><Arguments>$words</Arguments></Exec>
  </Actions>
</Task>
"@
}

# ------------------------------------------------------------------------------------------------------------------
# -Install and -Undo
# ------------------------------------------------------------------------------------------------------------------

function Format-Value($Change, $Value) {
    # A value in words.
    if ($null -eq $Value) { return '(not there)' }
    switch ($Change.Kind) {
        'Audit' { return @('nothing', 'success', 'failure', 'success and failure')[$Value] }
        'LogSize' { return "$Value bytes" }
        'LogOn' { return @('off', 'on')[$Value] }
        'Registry' { return [string]$Value }
    }
    return 'there'
}

function Read-Before {
    # What -Install noted, by kind and place; empty where nothing was.
    $found = @{}
    if (Test-Path -LiteralPath $UndoFile) {
        $text = [System.IO.File]::ReadAllText($UndoFile)
        foreach ($one in (ConvertFrom-Json $text).Changes) { $found[$one.Kind + '|' + $one.At] = $one }
    }
    return $found
}

function Save-Before($Before) {
    $all = @($Before.Keys | Sort-Object | ForEach-Object { $Before[$_] })
    Write-Whole $UndoFile ([System.Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -Depth 4 @{ Version = 1; Changes = $all })))
}

function Get-MissingKey([string]$Key) {
    # The registry keys that are made with $Key, the lowest first, as one text.
    $missing = @()
    while ($Key -and -not (Test-Path -LiteralPath $Key)) {
        $missing += $Key
        $Key = Split-Path -Path $Key -Parent
    }
    return $missing -join '|'
}

function Start-Install {
    $null = Read-Setting (Join-Path $PSScriptRoot 'tocsin-windows.json')
    $before = Read-Before
    foreach ($change in @(Get-Change)) {
        $id = $change.Kind + '|' + $change.At
        $now = Read-Change $change
        if ($change.Kind -in 'LogSize', 'LogOn' -and $null -eq $now) { continue }     # no such log here
        $wanted = Get-Wanted $change $now
        $renewed = $change.Kind -in 'Folder', 'Task'
        if ($now -eq $wanted -and -not $renewed) { continue }
        Write-Output ('{0}: {1}: {2} -> {3}' -f $change.What, $change.At, (Format-Value $change $now), (Format-Value $change $wanted))
        if ($DryRun) { continue }
        if (-not $before.ContainsKey($id)) {
            $was = $now
            if ($renewed) { $was = $null }                                            # these are ours alone
            $made = ''
            if ($change.Kind -eq 'Registry') { $made = Get-MissingKey ($change.At.Split('|')[0]) }
            $before[$id] = @{ Kind = $change.Kind; At = $change.At; Before = $was; After = $wanted; MadeKeys = $made }
        } else {
            $before[$id].After = $wanted
        }
        if ($change.Kind -eq 'Folder') { Write-Change $change $wanted; Save-Before $before; Save-FirstMark }
        else {
            Save-Before $before
            try { Write-Change $change $wanted }
            catch {
                # One log or policy that this computer does not let be changed is no reason to send nothing.
                if ($change.Kind -in 'Source', 'Task') { throw }
                Write-Warning "$($change.What) $($change.At) could not be changed: $($_.Exception.Message)"
                continue
            }
        }
        $is = Read-Change $change
        if ($is -ne $wanted) {
            Write-Warning "$($change.What) $($change.At) is '$(Format-Value $change $is)' and not '$(Format-Value $change $wanted)': a policy may decide it."
        }
    }
    if ($DryRun) { Write-Output 'Nothing was changed.'; return }
    Start-ScheduledTask -TaskName $TaskName -TaskPath '\'
    Write-Output "Installed in $Folder. Now see that it works: the same command with -Test in place of -Install."
}

function Start-Undo {
    $before = Read-Before
    if ($before.Count -eq 0) { Write-Output 'Nothing was installed here.'; return }
    $changes = @(Get-Change)
    [array]::Reverse($changes)
    $left = 0
    [Environment]::CurrentDirectory = $System32      # a folder that a process stands in cannot be removed
    foreach ($change in $changes) {
        $id = $change.Kind + '|' + $change.At
        if (-not $before.ContainsKey($id)) { continue }
        $note = $before[$id]
        $now = Read-Change $change
        if ($now -eq $note.Before) { continue }
        if ($now -ne $note.After) {
            Write-Output "left as it is, changed since: $($change.What): $($change.At): $(Format-Value $change $now)"
            $left += 1
            continue
        }
        Write-Output ('{0}: {1}: {2} -> {3}' -f $change.What, $change.At, (Format-Value $change $now), (Format-Value $change $note.Before))
        if ($DryRun) { continue }
        Write-Change $change $note.Before
        foreach ($key in $note.MadeKeys.Split('|')) {
            if ($key -and (Test-Path -LiteralPath $key)) {
                $item = Get-Item -LiteralPath $key
                if ($item.ValueCount -eq 0 -and $item.SubKeyCount -eq 0) { Remove-Item -LiteralPath $key }
            }
        }
    }
    if ($DryRun) { Write-Output 'Nothing was changed.' }
    elseif ($left) { Write-Output "$left of the changes were left as they are; all else is as it was before -Install." }
    else { Write-Output 'Everything is as it was before -Install.' }
}

# ------------------------------------------------------------------------------------------------------------------
# Settings, marks and notes
# ------------------------------------------------------------------------------------------------------------------

function Read-Setting([string]$Path) {
    $found = ConvertFrom-Json ([System.IO.File]::ReadAllText($Path))
    if ($found.version -ne 1) { throw "$Path is of another version than this script." }
    if (@($found.certificates).Count -eq 0) { throw "$Path names no certificate." }
    return $found
}

function Write-Whole([string]$Path, [byte[]]$Bytes) {
    # Replaces a file in one step: after a power cut it is the old one or the new one.
    $new = $Path + '.new'
    $file = New-Object System.IO.FileStream $new, 'Create', 'Write', 'None'
    try { $file.Write($Bytes, 0, $Bytes.Length); $file.Flush($true) } finally { $file.Dispose() }
    Move-Over $new $Path
}

function Move-Over([string]$From, [string]$To) {
    # Again for some seconds where another program has the file open, such as a scanner.
    foreach ($try in 1..50) {
        try {
            if ([System.IO.File]::Exists($To)) { [System.IO.File]::Replace($From, $To, [NullString]::Value) }
            else { [System.IO.File]::Move($From, $To) }
            return
        } catch {
            if ($try -eq 50) { throw }
            Start-Sleep -Milliseconds 100
        }
    }
}

function Read-Mark([string]$Path) {
    # Log -> the last record that was sent, and its time.
    $marks = @{}
    foreach ($line in [System.IO.File]::ReadAllLines($Path)) {
        $name, $record, $ticks = $line.Split('|')
        $marks[$name] = @{ Record = [long]$record; Ticks = [long]$ticks }
    }
    return $marks
}

function Save-Mark([string]$Path, $Marks) {
    $lines = foreach ($name in @($Marks.Keys | Sort-Object)) {
        '{0}|{1}|{2}' -f $name, $Marks[$name].Record, $Marks[$name].Ticks
    }
    Write-Whole $Path ([System.Text.Encoding]::UTF8.GetBytes((@($lines) -join "`n")))
}

function Save-FirstMark {
    # At the first -Install: what was logged before is not sent. A log that comes later is sent from its first record.
    if (Test-Path -LiteralPath $MarksFile) { return }
    $marks = @{}
    foreach ($log in $Logs) {
        try { $newest = Get-Newest $log.Name }
        catch { Write-Warning "$($log.Name) cannot be read: $($_.Exception.Message)"; continue }
        if ($null -ne $newest) { $marks[$log.Name] = $newest }
    }
    Save-Mark $MarksFile $marks
}

$Told = @{}
function Write-Note([int]$Number, [string]$Text, [string]$About = '') {
    # An event of our own in the Application log, which is sent like all others; the same one once an hour. Whether it
    # was written.
    $id = "$Number|$About"
    if ($Told.ContainsKey($id) -and ([DateTime]::UtcNow - $Told[$id]).TotalHours -lt 1) { return $false }
    $Told[$id] = [DateTime]::UtcNow
    $type = 'Warning'; if ($Number -eq $NoteTest) { $type = 'Information' }
    try { [System.Diagnostics.EventLog]::WriteEntry($SourceName, $Text, $type, $Number) }
    catch { Write-Warning "$Text ($($_.Exception.Message))" }
    return $true
}

# ------------------------------------------------------------------------------------------------------------------
# Reading the logs
# ------------------------------------------------------------------------------------------------------------------

$Places = @{}      # log -> Windows' own bookmark of the last record that was read, while this process lives
$Stuck = @{}       # log -> how often in a row it could not be read
$Gaps = @{}        # log -> records that were gone before they were sent, and are not told yet

function New-Reader([string]$Name, [string]$Filter, $Place, [switch]$Newest) {
    $kind = [System.Diagnostics.Eventing.Reader.PathType]::LogName
    $query = New-Object System.Diagnostics.Eventing.Reader.EventLogQuery $Name, $kind, $Filter
    $query.ReverseDirection = [bool]$Newest
    if ($null -eq $Place) { return New-Object System.Diagnostics.Eventing.Reader.EventLogReader $query }
    return New-Object System.Diagnostics.Eventing.Reader.EventLogReader $query, $Place
}

function Get-MarkOf($Record) {
    $ticks = 0
    if ($null -ne $Record.TimeCreated) { $ticks = $Record.TimeCreated.ToUniversalTime().Ticks }
    return @{ Record = [long]$Record.RecordId; Ticks = [long]$ticks }
}

function Get-Newest([string]$Name) {
    # The mark of the log's last record; nothing where there is no such log, or nothing in it.
    $log = Get-Log $Name
    if ($null -eq $log) { return $null }
    $on = $log.IsEnabled
    $log.Dispose()
    if (-not $on) { return $null }
    $reader = New-Reader $Name '*' $null -Newest
    try {
        $record = $reader.ReadEvent()
        if ($null -eq $record) { return $null }
        try { return Get-MarkOf $record } finally { $record.Dispose() }
    } finally { $reader.Dispose() }
}

function Read-Log([string]$Name, $Mark) {
    # The records behind $Mark: their lines, the mark of the last one, and whether there are more.
    $lines = New-Object System.Collections.Generic.List[string]
    $found = @{ Lines = $lines; Mark = $Mark; More = $false }
    $newest = Get-Newest $Name
    if ($null -eq $newest) { return $found }
    if ($newest.Record -eq $Mark.Record -and $Mark.Ticks -in $newest.Ticks, -1) { return $found }
    if ($newest.Record -le $Mark.Record) { $Mark = Reset-Mark $Name $Mark }
    $place = $Places[$Name]
    $filter = '*'
    # The last one that was sent is read again where its place is not known, to see that the log still has the same one
    # under that number. After one that could not be read (-1) only what comes behind it is read.
    if ($null -eq $place -and $Mark.Ticks -ge 0) { $filter = '*[System[EventRecordID >= {0}]]' -f $Mark.Record }
    elseif ($null -eq $place) { $filter = '*[System[EventRecordID > {0}]]' -f $Mark.Record }
    $chars = 0
    $reader = New-Reader $Name $filter $place
    try {
        if ($Stuck.ContainsKey($Name)) { $reader.BatchSize = 1 }
        while ($true) {
            try { $record = $reader.ReadEvent() }
            catch {
                if ($lines.Count -eq 0) { throw }
                $Places.Remove($Name)
                break
            }
            if ($null -eq $record) { break }
            try {
                $is = Get-MarkOf $record
                if ($is.Record -eq $Mark.Record -and $is.Ticks -eq $Mark.Ticks) { continue }
                if ($is.Record -le $Mark.Record) {
                    $found.Mark = Reset-Mark $Name $Mark
                    $found.More = $true
                    break
                }
                if ($Mark.Record -gt 0 -and $is.Record -gt $Mark.Record + 1) {
                    $Gaps[$Name] = [long]$Gaps[$Name] + $is.Record - $Mark.Record - 1
                }
                try {
                    $line = Format-Record $Name $record.ToXml()
                    $lines.Add($line)
                    $chars += $line.Length
                } catch { $null = Write-Note $NoteUnread "$Name`: record $($is.Record) cannot be read: $($_.Exception.Message)" $Name }
                $Mark = $is
                $found.Mark = $is
                $Places[$Name] = $record.Bookmark
            } finally { $record.Dispose() }
            if ($lines.Count -ge $BatchRecords -or $chars -ge $BatchChars) { $found.More = $true; break }
        }
    } finally { $reader.Dispose() }
    if ([long]$Gaps[$Name] -gt 0) {
        $text = "$($Gaps[$Name]) records of $Name were gone before they were sent: the log is too small, or was emptied."
        if (Write-Note $NoteGap $text $Name) { $Gaps[$Name] = 0 }
    }
    return $found
}

function Reset-Mark([string]$Name, $Mark) {
    # The log's numbers begin anew: it was emptied, or made anew. It is read from its first record.
    $null = Write-Note $NoteEmptied "$Name was emptied after record $($Mark.Record): it is sent from its first record on." "$Name $($Mark.Record)"
    $Places.Remove($Name)
    return @{ Record = [long]0; Ticks = [long]0 }
}

function Step-Over([string]$Name, $Mark, [string]$Why) {
    # A log that cannot be read: told, tried again, and after six times in a row its next record is left out.
    $Places.Remove($Name)
    $Stuck[$Name] = 1 + [int]$Stuck[$Name]
    $null = Write-Note $NoteUnread "$Name cannot be read behind record $($Mark.Record): $Why" $Name
    try { $newest = Get-Newest $Name } catch { $newest = $null }
    if ($Stuck[$Name] % 6 -eq 0 -and $null -ne $newest -and $newest.Record -gt $Mark.Record) {
        return @{ Record = [long]($Mark.Record + 1); Ticks = [long]-1 }
    }
    return $Mark
}

function Format-Text([string]$Text) {
    # As a JSON string (RFC 8259).
    $Text = $Text.Replace('\', '\\').Replace('"', '\"').Replace("`r", '\r').Replace("`n", '\n').Replace("`t", '\t')
    if ($Text -match '[\x00-\x1f]') {
        foreach ($code in 0..31) { $Text = $Text.Replace([string][char]$code, ('\u{0:x4}' -f $code)) }
    }
    return '"' + $Text + '"'
}

function Format-Record([string]$Name, [string]$Xml) {
    # One event as Splunk's HTTP Event Collector takes it: the record's whole XML as a text.
    return '{{"host":{0},"source":{1},"sourcetype":"XmlWinEventLog","event":{2}}}' -f (Format-Text $Computer), (Format-Text "WinEventLog:$Name"), (Format-Text $Xml)
}

function New-Batch {
    # Writes the next batch down, then the marks that hold once it is acknowledged. Whether there are more.
    $marks = Read-Mark $MarksFile
    $all = New-Object System.Collections.Generic.List[string]
    $more = $false
    $moved = $false
    foreach ($log in $Logs) {
        $mark = $marks[$log.Name]
        if ($null -eq $mark) { $mark = @{ Record = [long]0; Ticks = [long]0 } }
        try {
            $found = Read-Log $log.Name $mark
            $marks[$log.Name] = $found.Mark
            $all.AddRange($found.Lines)
            if ($found.More) { $more = $true }
            $Stuck.Remove($log.Name)
        } catch { $marks[$log.Name] = Step-Over $log.Name $mark $_.Exception.Message }
        if ($marks[$log.Name].Record -ne $mark.Record) { $moved = $true }
    }
    if ($all.Count -gt 0) {
        $script:Waiting = [System.Text.Encoding]::UTF8.GetBytes(($all -join "`n"))
        [System.IO.File]::Delete($BatchFile)      # or the one before would be taken for this one
        try { Write-Whole $BatchFile $script:Waiting }
        catch { $null = Write-Note $NoteUnkept "The waiting batch cannot be kept on the disk: $($_.Exception.Message)" }
        Save-Mark $NextMarksFile $marks
    } elseif ($moved) {
        Save-Mark $MarksFile $marks
    }
    return $more
}

# ------------------------------------------------------------------------------------------------------------------
# Sending
# ------------------------------------------------------------------------------------------------------------------

function Test-Certificate($Certificate, $Wanted) {
    # Whether it is one of those whose SHA-256 stands in the settings. Nothing else is trusted, and no name is asked.
    $digest = New-Object System.Security.Cryptography.SHA256Cng      # the one that a computer in FIPS mode has, too
    $is = [BitConverter]::ToString($digest.ComputeHash($Certificate.GetRawCertData())).Replace('-', '')
    return @($Wanted | ForEach-Object { $_.Replace(':', '').ToUpperInvariant() }) -contains $is
}

function Open-Connection($Settings) {
    # TLS 1.2 to the service. The check is made twice: while hands are shaken, and before a byte of ours is sent.
    $family = [System.Net.Sockets.AddressFamily]::InterNetwork
    if ($Settings.address.Contains(':')) { $family = [System.Net.Sockets.AddressFamily]::InterNetworkV6 }
    $client = New-Object System.Net.Sockets.TcpClient $family
    try {
        if (-not $client.ConnectAsync($Settings.address, [int]$Settings.port).Wait($SecondsToConnect * 1000)) {
            throw 'no answer'
        }
        $client.ReceiveTimeout = $SecondsToAnswer * 1000
        $client.SendTimeout = $SecondsToAnswer * 1000
        $check = [System.Net.Security.RemoteCertificateValidationCallback] {
            param($From, $Certificate, $Chain, $Problems)
            Test-Certificate $Certificate $Settings.certificates
        }
        $tls = New-Object System.Net.Security.SslStream -ArgumentList @($client.GetStream(), $false, $check)
        $tls.AuthenticateAsClient($Settings.address, $null, [System.Security.Authentication.SslProtocols]::Tls12, $false)
        if (-not (Test-Certificate $tls.RemoteCertificate $Settings.certificates)) {
            throw 'the certificate is not the one in the settings'
        }
        return @{ Client = $client; Tls = $tls }
    } catch {
        $client.Close()
        throw "$($Settings.address) port $($Settings.port): $($_.Exception.GetBaseException().Message)"
    }
}

function Test-Whole([string]$Answer) {
    # Whether the head is there, and as much behind it as it says.
    $end = $Answer.IndexOf($LineEnd + $LineEnd, [System.StringComparison]::Ordinal)
    if ($end -ge 0 -and $Answer -match '(?im)^content-length: *([0-9]{1,6})\r?$') {
        return $Answer.Length -ge $end + 4 + [int]$Matches[1]
    }
    return $false
}

function Send-Request($Settings, [string]$Method, [string]$Path, [byte[]]$Body) {
    # One request of HTTP/1.1 (RFC 9112) and its answer: the status, and after how many seconds to come again.
    $open = Open-Connection $Settings
    try {
        $head = @(
            "$Method $Path HTTP/1.1", "Host: $($Settings.address)", "Authorization: Splunk $($Settings.token)",
            'Content-Type: application/json', "Content-Length: $($Body.Length)", 'Connection: close', '', ''
        ) -join $LineEnd
        $bytes = [System.Text.Encoding]::ASCII.GetBytes($head)
        $open.Tls.Write($bytes, 0, $bytes.Length)
        if ($Body.Length -gt 0) { $open.Tls.Write($Body, 0, $Body.Length) }
        $open.Tls.Flush()
        $held = New-Object byte[] 8192
        $size = 0
        do {
            $read = $open.Tls.Read($held, $size, $held.Length - $size)
            $size += $read
            $answer = [System.Text.Encoding]::ASCII.GetString($held, 0, $size)
        } while ($read -gt 0 -and $size -lt $held.Length -and -not (Test-Whole $answer))
        $status = 0
        $wait = 0
        if ($answer -match '^HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]') { $status = [int]$Matches[1] }
        else { throw 'the answer is not HTTP' }
        if ($answer -match '(?im)^retry-after: *([0-9]{1,4})\r?$') { $wait = [int]$Matches[1] }
        return @{ Status = $status; Wait = $wait }
    } finally {
        $open.Tls.Dispose()
        $open.Client.Close()
    }
}

$Waiting = $null    # the bytes of the waiting batch, while this process lives

function Send-Batch($Settings) {
    # Posts the waiting batch, byte for byte as it was written down. 0 once it is done with, else how long to wait.
    $body = $script:Waiting
    if ($null -eq $body) {
        try { $body = [System.IO.File]::ReadAllBytes($BatchFile) }
        catch {
            # A scanner for malware may have taken it, for it can hold the text of a script that it knows.
            $null = Write-Note $NoteUnkept "The batch that waited is gone, and is made anew: $($_.Exception.Message)"
            [System.IO.File]::Delete($NextMarksFile)
            return 0
        }
    }
    try { $answer = Send-Request $Settings 'POST' '/services/collector/event' $body }
    catch { Save-Problem $_.Exception.Message; return 5 }
    switch ($answer.Status) {
        200 { Save-Problem ''; Move-Over $NextMarksFile $MarksFile; $script:Waiting = $null; return 0 }
        { $_ -in 400, 413, 415 } { Move-Refused $answer.Status; return 0 }
        { $_ -in 401, 403, 404 } {
            Save-Problem "The service says $($answer.Status): is the token still good?"
            $null = Write-Note $NoteDenied "The Tocsin service answers $($answer.Status): the token is not known there, or the address is another service's."
            return $LongestWait
        }
        default { Save-Problem "The service says $($answer.Status)."; return [Math]::Max(5, $answer.Wait) }
    }
}

function Save-Problem([string]$Text) {
    if ($Text) { Write-Whole $ProblemFile ([System.Text.Encoding]::UTF8.GetBytes($Text)) }
    elseif ([System.IO.File]::Exists($ProblemFile)) { [System.IO.File]::Delete($ProblemFile) }
}

function Move-Refused([int]$Status) {
    # A batch that the service will never take: kept aside, told, and gone on behind it.
    $kept = @(Get-ChildItem -LiteralPath $Folder -Filter 'refused-*' | Sort-Object Name)
    if ($kept.Count -ge $RefusedKept) { Remove-Item -LiteralPath $kept[0].FullName }
    $aside = Join-Path $Folder ('refused-{0}' -f [DateTime]::UtcNow.ToString('yyyyMMddHHmmssfff', $Invariant))
    $where = "It is kept in $aside."
    try { [System.IO.File]::Copy($BatchFile, $aside) } catch { $where = "It could not be kept: $($_.Exception.Message)" }
    Move-Over $NextMarksFile $MarksFile
    $script:Waiting = $null
    $null = Write-Note $NoteRefused "The Tocsin service refused a batch with $Status. $where" $aside
}

function Start-Sending($Settings, [DateTime]$Until) {
    # Sends until $Until. What waits goes first, and is never made anew: a repeat is the same bytes.
    $wait = 0
    $more = $true
    while ([DateTime]::UtcNow -lt $Until) {
        if ([System.IO.File]::Exists($NextMarksFile)) {
            $wanted = Send-Batch $Settings
            if ($wanted -gt 0) {
                $wait = [Math]::Min($LongestWait, [Math]::Max($wanted, 2 * $wait))
                Start-Sleep -Milliseconds (1000 * $wait + (Get-Random -Maximum 1000))
                continue
            }
            $wait = 0
        }
        if (-not $more) { Start-Sleep -Milliseconds (1000 * $PauseSeconds + (Get-Random -Maximum 1000)) }
        $more = New-Batch
    }
}

function Start-Run {
    # The task's work, by one process at a time.
    $settings = Read-Setting $InstalledSettings
    try { $lock = New-Object System.IO.FileStream (Join-Path $Folder 'lock'), 'OpenOrCreate', 'ReadWrite', 'None' }
    catch { Write-Output 'It runs already.'; return }
    try {
        if (-not (Test-Path -LiteralPath $MarksFile)) {
            $null = Write-Note $NoteFresh 'It is not known how far logs were sent: they are sent from their first records on.'
            Save-Mark $MarksFile @{}
        }
        Start-Sending $settings ([DateTime]::UtcNow.AddHours($RunHours))
    } finally { $lock.Dispose() }
}

# ------------------------------------------------------------------------------------------------------------------
# -Test and -Show
# ------------------------------------------------------------------------------------------------------------------

function Start-Test {
    if ($null -eq (Read-Change @{ Kind = 'Task'; At = $TaskName })) { throw 'It is not installed here: run -Install first.' }
    $settings = Read-Setting $InstalledSettings
    $null = Send-Request $settings 'GET' '/services/collector/health' ([byte[]]@())
    Write-Output "The service at $($settings.address) port $($settings.port) is reached, and its certificate is the right one."
    $last = 0
    $newest = Get-Newest 'Application'
    if ($null -ne $newest) { $last = $newest.Record }
    $null = Write-Note $NoteTest "Tocsin test of ${Computer}: $($settings.test)"
    $number = 0
    foreach ($try in 1..20) {
        $reader = New-Reader 'Application' "*[System[Provider[@Name='$SourceName'] and EventID=$NoteTest]]" $null -Newest
        try { $record = $reader.ReadEvent() } finally { $reader.Dispose() }
        if ($null -ne $record -and $record.RecordId -gt $last) { $number = $record.RecordId; break }
        Start-Sleep -Milliseconds 500
    }
    if ($number -eq 0) { throw 'The test event could not be written to the Application log.' }
    Start-ScheduledTask -TaskName $TaskName -TaskPath '\'
    Write-Output "A test event was written (record $number of Application). Waiting until it is posted ..."
    foreach ($try in 1..90) {
        $marks = @{}
        try { $marks = Read-Mark $MarksFile } catch { Start-Sleep -Milliseconds 200 }       # it is being replaced
        if ($marks.ContainsKey('Application') -and $marks['Application'].Record -ge $number) {
            Write-Output "Posted: the service has answered that it is stored. Tocsin should now show $Computer."
            return
        }
        Start-Sleep -Seconds 1
    }
    if (Test-Path -LiteralPath $ProblemFile) { Write-Warning ([System.IO.File]::ReadAllText($ProblemFile)) }
    throw "Not posted within 90 seconds. See the task '$TaskName' in Task Scheduler, and events of $SourceName in Application."
}

function Start-Show {
    if (-not (Test-Path -LiteralPath $MarksFile)) { Write-Output 'Nothing was installed here.'; return }
    $marks = Read-Mark $MarksFile
    foreach ($log in $Logs) {
        $newest = Get-Newest $log.Name
        if ($null -eq $newest) { continue }
        $sent = 0
        if ($marks.ContainsKey($log.Name)) { $sent = $marks[$log.Name].Record }
        Write-Output ('{0}: sent up to record {1}, newest {2}' -f $log.Name, $sent, $newest.Record)
    }
    if (Test-Path -LiteralPath $NextMarksFile) { Write-Output 'A batch waits for the service to answer.' }
    if (Test-Path -LiteralPath $ProblemFile) { Write-Output ([System.IO.File]::ReadAllText($ProblemFile)) }
}

# ------------------------------------------------------------------------------------------------------------------

if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) {
    throw 'This is the 32-bit PowerShell: start the usual one.'
}
if ($Undo) { Start-Undo }
elseif ($Run) { Start-Run }
elseif ($Show) { Start-Show }
elseif ($Install -or $Test) {
    if ($Install) { Start-Install }
    if ($Test -and -not $DryRun) { Start-Test }
}
else { Write-Output 'Say what to do: -Install, -Test, -Show or -Undo; with -DryRun nothing is changed. Get-Help tells more.' }
