import { checkWorkspacePages, clickButton, setUpSettingsFixture, TOKENS_PATH } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const asMember = () => settings.member;

checkWorkspacePages(settings.fixture, [
  { name: 'tokens', path: TOKENS_PATH },
  { name: 'tokens-menu', path: TOKENS_PATH, prepare: clickButton('Actions for CI/CD Pipeline') },
  { name: 'tokens-folded-scopes', path: TOKENS_PATH, prepare: (tab) => tab.getByText('+2').hover() },
  { name: 'tokens-as-member', path: TOKENS_PATH, person: asMember },
  { name: 'tokens-empty', path: `${TOKENS_PATH}?workspace=empty-workspace` },
  { name: 'tokens-no-match', path: `${TOKENS_PATH}?q=nothing+like+it` },
  { name: 'tokens-bad-filter', path: `${TOKENS_PATH}?status=nonsense` },
  {
    name: 'tokens-create-invalid',
    path: TOKENS_PATH,
    async prepare(tab) {
      await clickButton('Generate Token')(tab);
      const form = tab.getByRole('dialog');
      await form.getByLabel('Passphrase (optional)').fill('short');
      await form.getByLabel('Expiry').selectOption('never');
      await form.getByRole('button', { name: 'Generate Token' }).click();
      await form.getByText('Choose at least one scope').waitFor();
    },
  },
  {
    name: 'tokens-create-calendar',
    path: TOKENS_PATH,
    async prepare(tab) {
      await clickButton('Generate Token')(tab);
      await tab.getByRole('dialog').getByLabel('Expiry').selectOption('date');
      await tab.getByLabel('Last day').fill('30 Feb 2037');
      await tab.getByRole('button', { name: 'Open calendar' }).click();
      await tab.getByRole('group', { name: 'Calendar' }).waitFor();
    },
  },
]);
