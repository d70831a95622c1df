import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { profileName } from './profile.ts';

const directory = temporaryDirectory();

test('DEVPILOT_PROFILE selects a profile, unless it is empty', () => {
  process.env['DEVPILOT_CONFIG_DIR'] = directory;
  process.env['DEVPILOT_PROFILE'] = 'staging';
  assert.equal(profileName(undefined), 'staging');
  assert.equal(profileName('other'), 'other');
  process.env['DEVPILOT_PROFILE'] = '';
  assert.equal(profileName(undefined), 'default');
});
