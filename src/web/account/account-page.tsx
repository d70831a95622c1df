import { Stack } from '@mantine/core';
import { Page } from '../components/page.tsx';
import { DeleteAccountSection } from './delete-account.tsx';
import { PasskeysSection } from './passkeys.tsx';
import { PasswordSection } from './password.tsx';
import { ProfileSection } from './profile.tsx';
import { SessionsSection } from './sessions.tsx';
import { strings } from './strings.ts';
import { TwoFactorSection } from './two-factor.tsx';

/** The settings of the signed-in person's account, which do not depend on a workspace. */
export function AccountPage() {
  return (
    <Page title={strings.accountPage.title} description={strings.accountPage.description} width="narrow">
      <Stack gap="lg">
        <ProfileSection />
        <PasswordSection />
        <TwoFactorSection />
        <PasskeysSection />
        <SessionsSection />
        <DeleteAccountSection />
      </Stack>
    </Page>
  );
}
