import { checkWorkspacePages, clickButton, setUpSettingsFixture, TOKENS_PATH } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const asMember = () => settings.member;

checkWorkspacePages(settings.fixture, [
  {
    name: 'token',
    path: () => `${TOKENS_PATH}/${settings.tokenId}`,
    prepare: (tab) => tab.getByText('Show as table').click(),
  },
  { name: 'token-as-member', path: () => `${TOKENS_PATH}/${settings.tokenId}`, person: asMember },
  { name: 'token-not-found', path: `${TOKENS_PATH}/tok_01h455vb4pex5vsknk084sn02q` },
  { name: 'keys', path: '/settings/api-keys' },
  { name: 'keys-empty', path: '/settings/api-keys?workspace=empty-workspace' },
  { name: 'key', path: () => `/settings/api-keys/${settings.keyId}` },
  { name: 'members', path: '/settings/members' },
  { name: 'members-menu', path: '/settings/members', prepare: clickButton('Actions for linus') },
  { name: 'members-as-member', path: '/settings/members', person: asMember },
  { name: 'review', path: '/settings/review' },
]);
