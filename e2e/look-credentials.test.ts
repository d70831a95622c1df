import { looksRightWithin, press, setLookStage, TOKENS } from './look-stage.ts';

const look = setLookStage();
const asMember = () => look.member;

looksRightWithin(look.stage, [
  { name: 'token', path: () => `${TOKENS}/${look.token}`, reach: (tab) => tab.getByText('As a table').click() },
  { name: 'token-as-member', path: () => `${TOKENS}/${look.token}`, person: asMember },
  { name: 'token-gone', path: `${TOKENS}/tok_01h455vb4pex5vsknk084sn02q` },
  { name: 'keys', path: '/settings/api-keys' },
  { name: 'keys-empty', path: '/settings/api-keys?workspace=empty-place' },
  { name: 'key', path: () => `/settings/api-keys/${look.key}` },
  { name: 'members', path: '/settings/members' },
  { name: 'members-menu', path: '/settings/members', reach: press('Actions for linus') },
  { name: 'members-as-member', path: '/settings/members', person: asMember },
]);
