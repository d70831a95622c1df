import { phrase } from '../components/sentence.ts';

export const strings = {
  devicePage: {
    invalidCode: 'Enter the eight letters shown on the device',
    title: 'Sign in on a device',
    description: 'Enter the code that the CLI or the device shows.',
    code: 'Code',
    codePlaceholder: 'BCDF-GHJK',
    continue: 'Continue',
    signedInTitle: 'Device signed in',
    deniedTitle: 'Sign-in denied',
    signedIn: 'Return to the device; it continues automatically. You can end its session on your account page.',
    denied: "The device was not signed in. If you did not start this request, you don't need to do anything else.",
    unknownCode:
      'No sign-in request has this code. The code may have expired or already been used. Start again on the device.',
    enterAnotherCode: 'Enter another code',
    approveTitle: 'Approve this device?',
    approveDescription: (name: string, email: string) => phrase`It will be signed in as you, ${name} (${email}).`,
    items: {
      code: 'Code',
      client: 'Client',
      ipAddress: 'IP address',
      requested: 'Requested',
    },
    unknown: 'Unknown',
    warning:
      'Approve only a sign-in that you just started yourself, and only if this code matches the one on the device. If someone sent you a link to this page, approving the sign-in would sign them in as you.',
    deny: 'Deny',
    approve: 'Approve',
    howToEndSession: 'You can end its session under Sessions on your account page.',
  },
};
