import { type Common, connect } from './connect.ts';
import { printList, showInstant } from './output.ts';

/** Lists the members of the workspace. */
export async function listMembers(options: Common): Promise<void> {
  const members = await Array.fromAsync(connect(options).members.all());
  await printList(
    members,
    [
      { title: 'NAME', of: ({ name }) => name },
      { title: 'EMAIL', of: ({ email }) => email },
      { title: 'ROLE', of: ({ role }) => role },
      { title: '2FA', of: ({ twoFactor }) => (twoFactor ? 'yes' : 'no') },
      { title: 'SINCE', of: ({ createdAt }) => showInstant(createdAt, 'never') },
      { title: 'ID', of: ({ id }) => id },
    ],
    options,
  );
}
