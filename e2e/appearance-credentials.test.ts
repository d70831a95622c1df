import { checkWorkspacePages, press, setUpSettingsFixture, TOKENS } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const asMember = () => settings.member;

checkWorkspacePages(settings.fixture, [
  {
    name: 'token',
    path: () => `${TOKENS}/${settings.token}`,
    prepare: (tab) => tab.getByText('Show as table').click(),
  },
  { name: 'token-as-member', path: () => `${TOKENS}/${settings.token}`, person: asMember },
  { name: 'token-gone', path: `${TOKENS}/tok_01h455vb4pex5vsknk084sn02q` },
  { name: 'keys', path: '/settings/api-keys' },
  { name: 'keys-empty', path: '/settings/api-keys?workspace=empty-workspace' },
  { name: 'key', path: () => `/settings/api-keys/${settings.key}` },
  { name: 'members', path: '/settings/members' },
  { name: 'members-menu', path: '/settings/members', prepare: press('Actions for linus') },
  { name: 'members-as-member', path: '/settings/members', person: asMember },
  { name: 'review', path: '/settings/review' },
]);
