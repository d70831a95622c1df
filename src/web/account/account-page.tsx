import { Anchor, Stack } from '@mantine/core';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { useMe } from '../session.ts';
import { arePasswordsOn } from '../sign-in/installation.ts';
import { safeReturnPath } from '../sign-in/return-path.ts';
import { DeleteAccountSection } from './delete-account.tsx';
import { NotificationsSection } from './notifications.tsx';
import { PasskeysSection } from './passkeys.tsx';
import { PasswordSection } from './password.tsx';
import { ProfileSection } from './profile.tsx';
import { SessionsSection } from './sessions.tsx';
import { SingleSignOnSection } from './single-sign-on.tsx';
import { strings } from './strings.ts';
import { TwoFactorSection } from './two-factor.tsx';

/** Sets up two-factor authentication for the page `from`, which requires it, and returns to that page afterward. */
function TwoFactorThenReturn({ from }: { readonly from: string }) {
  const me = useMe();
  const { history } = useRouter();
  const path = safeReturnPath(from);
  const [isTurnedOn, setIsTurnedOn] = useState(false);
  // Navigates in an effect, because the dialog with the recovery codes blocks navigation until it is unmounted.
  useEffect(() => {
    if (isTurnedOn) history.push(path);
  }, [isTurnedOn, history, path]);
  return (
    <>
      {me.twoFactor ? (
        <Notice tone="success">
          {strings.accountPage.twoFactorIsOn(
            <Anchor key="continue" inherit component="button" type="button" onClick={() => history.push(path)}>
              {strings.accountPage.continue}
            </Anchor>,
          )}
        </Notice>
      ) : (
        <Notice tone="warning">{strings.accountPage.turnOnTwoFactor}</Notice>
      )}
      <TwoFactorSection onTurnedOn={() => setIsTurnedOn(true)} />
    </>
  );
}

/** The settings of the signed-in person's account. Only the email notifications depend on the workspace of the tab. */
export function AccountPage() {
  const { from } = useSearch({ strict: false }) as { from?: string };
  return (
    <Page title={strings.accountPage.title} description={strings.accountPage.description} width="narrow">
      <Stack gap="lg">
        {from !== undefined && <TwoFactorThenReturn from={from} />}
        <ProfileSection />
        {arePasswordsOn() && <PasswordSection />}
        <SingleSignOnSection />
        {from === undefined && <TwoFactorSection />}
        {arePasswordsOn() && <PasskeysSection />}
        <NotificationsSection />
        <SessionsSection />
        <DeleteAccountSection />
      </Stack>
    </Page>
  );
}
