import { checkWorkspacePages, clickButton, setUpSettingsFixture } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const signedOut = () => null;

checkWorkspacePages(settings.fixture, [
  { name: 'account', path: '/account' },
  { name: 'people', path: '/people' },
  { name: 'forgot-password', path: '/forgot-password', person: signedOut },
  { name: 'reset-password', path: '/reset-password#somecode', person: signedOut },
  { name: 'device', path: '/device', prepare: clickButton('Continue') },
  {
    name: 'device-unknown',
    path: '/device#BCDFGHJK',
    prepare: (tab) => tab.getByText('No sign-in request has this code.', { exact: false }).waitFor(),
  },
  { name: 'invitation', path: '/accept-invitation#somecode' },
  {
    name: 'invitation-refused',
    path: '/accept-invitation#somecode',
    prepare: async (tab) => {
      await clickButton('Accept invitation')(tab);
      await tab.getByRole('alert').waitFor();
    },
  },
  {
    name: 'invitation-create-account',
    path: '/accept-invitation#somecode',
    person: signedOut,
    prepare: clickButton('Create account'),
  },
  {
    name: 'invitation-existing-account',
    path: '/accept-invitation#somecode',
    person: signedOut,
    prepare: (tab) => tab.getByText('I have an account').click(),
  },
  { name: 'invitation-without-code', path: '/accept-invitation' },
  { name: 'sign-in', path: '/sign-in', person: signedOut, prepare: clickButton('Sign in') },
  { name: 'page-not-found', path: '/settings/no-such-page' },
]);
