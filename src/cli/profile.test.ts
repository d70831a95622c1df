import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { profileName } from './profile.ts';

const directory = mkdtempSync(join(tmpdir(), 'devpilot-profile-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('DEVPILOT_PROFILE selects a profile, unless it is empty', () => {
  process.env['DEVPILOT_CONFIG_DIR'] = directory;
  process.env['DEVPILOT_PROFILE'] = 'staging';
  assert.equal(profileName(undefined), 'staging');
  assert.equal(profileName('other'), 'other');
  process.env['DEVPILOT_PROFILE'] = '';
  assert.equal(profileName(undefined), 'default');
});
