import { secretKindOf } from '../sdk/secret.ts';
import { openClient, type RemoteOptions } from './connect.ts';
import { printJson, printNote } from './output.ts';
import { findProfile, forgetProfile, profileName, secretOf } from './profile.ts';

/** Ends the session on the server and deletes the profile. An access token or API key remains valid. */
export async function logout(options: RemoteOptions): Promise<void> {
  const name = profileName(options.profile);
  const profile = findProfile(name);
  const secret = profile === null ? null : secretOf(name, profile);
  let isEnded = false;
  if (profile !== null && secret !== null && secretKindOf(secret) === 'session') {
    isEnded = await openClient({ url: profile.url }, secret)
      .sessions.deleteCurrent()
      .then(
        () => true,
        () => false,
      );
    if (!isEnded)
      printNote('The session could not be ended on the server; it expires when it is no longer used.', options);
  }
  if (profile !== null) forgetProfile(name);
  if (options.json === true) await printJson({ profile: name, ended: isEnded });
  else printNote(profile === null ? 'Not signed in.' : `Signed out of ${profile.url}.`, options);
}
