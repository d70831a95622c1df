import { type LogVerification, verifyEveryLog } from '../audit/verify.ts';
import { readSettings } from '../server/settings.ts';
import { openReader } from '../store/open-reader.ts';

function formatVerification({ workspaceId, entries, broken }: LogVerification): string {
  if (broken === null) return `${workspaceId}: ${entries} entries, intact`;
  return `${workspaceId}: entry ${broken.sequence} ${broken.reason}`;
}

/** Verifies every activity log in the database; the server can keep running. Sets exit code 1 if one is broken. */
export async function auditVerify(options: { json: true | undefined }): Promise<void> {
  const db = openReader(readSettings(process.env));
  try {
    for await (const verification of verifyEveryLog(db)) {
      if (verification.broken !== null) process.exitCode = 1;
      const text = options.json === true ? JSON.stringify(verification) : formatVerification(verification);
      process.stdout.write(`${text}\n`);
    }
  } finally {
    await db.destroy();
  }
}
