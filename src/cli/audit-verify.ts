import { verifyEveryLog } from '../audit/verify.ts';
import { readSettings } from '../server/settings.ts';
import { openReader } from '../store/open-reader.ts';

/** Verifies every activity log in the database; the server can keep running. Exits with code 1 if one is broken. */
export async function auditVerify(options: { json: true | undefined }): Promise<void> {
  const db = openReader(readSettings(process.env));
  try {
    for await (const check of verifyEveryLog(db)) {
      if (check.broken !== null) process.exitCode = 1;
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(check)}\n`
          : check.broken === null
            ? `${check.workspaceId}: ${check.entries} entries, intact\n`
            : `${check.workspaceId}: entry ${check.broken.sequence} ${check.broken.reason}\n`,
      );
    }
  } finally {
    await db.destroy();
  }
}
