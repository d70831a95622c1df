import { looksRightWithin, press, setLookStage } from './look-stage.ts';

const look = setLookStage();
const asNobody = () => null;

looksRightWithin(look.stage, [
  { name: 'account', path: '/account' },
  { name: 'people', path: '/people' },
  { name: 'forgot-password', path: '/forgot-password', person: asNobody },
  { name: 'reset-password', path: '/reset-password#somecode', person: asNobody },
  { name: 'device', path: '/device', reach: press('Continue') },
  {
    name: 'device-unknown',
    path: '/device#BCDFGHJK',
    reach: (tab) => tab.getByText('There is no request with this code.', { exact: false }).waitFor(),
  },
  { name: 'invitation', path: '/accept-invitation#somecode' },
  {
    name: 'invitation-refused',
    path: '/accept-invitation#somecode',
    reach: async (tab) => {
      await press('Accept the invitation')(tab);
      await tab.getByRole('alert').waitFor();
    },
  },
  { name: 'invitation-new', path: '/accept-invitation#somecode', person: asNobody, reach: press('Create account') },
  {
    name: 'invitation-known',
    path: '/accept-invitation#somecode',
    person: asNobody,
    reach: (tab) => tab.getByText('I have an account').click(),
  },
  { name: 'invitation-again', path: '/accept-invitation' },
  { name: 'sign-in', path: '/sign-in', person: asNobody, reach: press('Sign in') },
  { name: 'setup', path: '/setup', person: asNobody },
  { name: 'nowhere', path: '/settings/nowhere' },
]);
