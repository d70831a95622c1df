import type { ReactNode } from 'react';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  backupDialogs: {
    restoreTitle: 'Restore backup',
    restore: 'Restore',
    appToRestoreInto: 'App to restore into',
    serverToRestoreOn: 'Server to restore on',
    serverToRestoreOnDescription: "The app's directory and commands are used there.",
    serverOfTheApp: (name: string | null) => (name === null ? "The app's server" : phrase`${name} (the app's server)`),
    restoreRequested: (name: string) => phrase`Restore of ${name} requested`,
    restoreConsequences: (app: ReactNode, time: string) =>
      sentence`You are about to replace the current data of ${app} with the backup from ${time}.`,
    directoryIsReplaced: 'The shared directory is replaced; the current one is kept until the restore has succeeded.',
    laterDataIsLost: 'Anything written there since the backup is lost.',
    commandDecides: 'The restore command receives the backup and decides what to replace.',
    hashIsChecked: 'The SHA-256 of the backup is checked first. If it does not match, nothing is changed.',
    deleteTitle: 'Delete backup',
    delete: 'Delete',
    deleted: 'Backup deleted',
    deleteConsequences: (time: string) =>
      `The backup from ${time} and its stored data are permanently deleted. The app is not affected.`,
  },
  backupsTab: {
    columns: {
      backup: 'Backup',
      status: 'Status',
      size: 'Size',
      duration: 'Duration',
      sha256: 'SHA-256',
    },
    origin: (kind: 'directory' | 'command', name: string) =>
      kind === 'directory' ? phrase`Shared directory, by ${name}` : phrase`Backup command output, by ${name}`,
    requested: (name: string) => phrase`Backup of ${name} requested`,
    backUpNow: 'Back up now',
    introduction: (schedule: string | null) => {
      const note = "A restore checks the backup's SHA-256 before it changes anything.";
      return schedule === null ? note : `${note} Backups run on the schedule ${schedule} (UTC).`;
    },
    backups: 'Backups',
    theBackupFrom: (time: string) => `the backup from ${time}`,
    downloadAction: 'Download',
    restoreAction: 'Restore…',
    verifyAction: 'Verify',
    verificationRequested: (name: string) => phrase`Verification of a backup of ${name} requested`,
    verification: ({
      status,
      method,
      time,
      error,
    }: {
      status: string;
      method: 'stored' | 'unpacked' | 'command' | null;
      time: ReactNode;
      error: string | null;
    }) => {
      if (time === null) return sentence`Verification: ${status}`;
      if (error !== null) return sentence`Verification failed ${time}: ${error}`;
      if (method === 'unpacked') return sentence`Verified ${time}: unpacked, every file compared`;
      if (method === 'command') return sentence`Verified ${time}: accepted by the verification command`;
      return sentence`Verified ${time}: the stored data is intact`;
    },
    noBackupsYetTitle: 'No backups yet',
    whatIsBackedUp: 'A backup contains the output of the backup command or, if none is set, the shared directory.',
    needsServerAndDirectory: 'An app needs a server and a directory before it can be backed up.',
    setCommandInSettings: "Set the command, schedule and retention in the app's settings.",
    setServerInSettings: "Set them in the app's settings.",
    restore: ({
      into,
      name,
      status,
      finished,
      error,
    }: {
      /** The app into which the backup was restored, if it is another app; otherwise null. */
      into: ReactNode;
      name: string;
      status: string;
      finished: ReactNode;
      error: string | null;
    }) => {
      const restore =
        into === null ? sentence`Restore requested by ${name}` : sentence`Restore into ${into} requested by ${name}`;
      const outcome = finished === null ? sentence`${restore}: ${status}` : sentence`${restore}: ${status} ${finished}`;
      return error === null ? outcome : sentence`${outcome}: ${error}`;
    },
  },
};
