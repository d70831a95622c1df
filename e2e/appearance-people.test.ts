import { checkWorkspacePages, press, setUpSettingsFixture } from './settings-fixture.ts';

const settings = setUpSettingsFixture();
const asNobody = () => null;

checkWorkspacePages(settings.fixture, [
  { name: 'account', path: '/account' },
  { name: 'people', path: '/people' },
  { name: 'forgot-password', path: '/forgot-password', person: asNobody },
  { name: 'reset-password', path: '/reset-password#somecode', person: asNobody },
  { name: 'device', path: '/device', prepare: press('Continue') },
  {
    name: 'device-unknown',
    path: '/device#BCDFGHJK',
    prepare: (tab) => tab.getByText('No request has this code.', { exact: false }).waitFor(),
  },
  { name: 'invitation', path: '/accept-invitation#somecode' },
  {
    name: 'invitation-refused',
    path: '/accept-invitation#somecode',
    prepare: async (tab) => {
      await press('Accept invitation')(tab);
      await tab.getByRole('alert').waitFor();
    },
  },
  { name: 'invitation-new', path: '/accept-invitation#somecode', person: asNobody, prepare: press('Create account') },
  {
    name: 'invitation-known',
    path: '/accept-invitation#somecode',
    person: asNobody,
    prepare: (tab) => tab.getByText('I have an account').click(),
  },
  { name: 'invitation-again', path: '/accept-invitation' },
  { name: 'sign-in', path: '/sign-in', person: asNobody, prepare: press('Sign in') },
  { name: 'nowhere', path: '/settings/nowhere' },
]);
