import { Checkbox } from '@mantine/core';
import { useState } from 'react';
import type { AuthorizationExplanation } from '../../contract/explanation.ts';
import { Dialog } from '../components/dialog.tsx';
import { PlainTextInput } from '../components/fields.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { type Credential, getKindConfig, type Right } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.explainDialog;

function ExplanationNotice({ explanation }: { readonly explanation: AuthorizationExplanation }) {
  const { allowed, step, code, status, detail, assumed } = explanation;
  return (
    <>
      <Notice tone={allowed ? 'success' : 'danger'}>
        {allowed || step === null
          ? texts.allowed
          : texts.refused(texts.steps[step], `${status} ${code ?? ''}`, detail ?? '')}
      </Notice>
      {assumed.includes('passphrase') && <DimmedText>{texts.assumesPassphrase}</DimmedText>}
      {assumed.includes('address') && <DimmedText>{texts.assumesAddress}</DimmedText>}
    </>
  );
}

interface ExplainDialogProps {
  readonly credential: Credential;
  readonly onClose: () => void;
}

/** Shows whether a request with a credential would be allowed. The secret is not needed. */
export function ExplainDialog({ credential, onClose }: ExplainDialogProps) {
  const { api } = useWorkspace();
  const kind = getKindConfig(credential);
  const availableRights: readonly Right[] = kind.rightGroups.flatMap(({ rights }) => rights);
  const [explanation, setExplanation] = useState<AuthorizationExplanation | null>(null);
  const form = useAppForm<{ rights: string[]; address: string; resource: string }>({
    initialValues: { rights: [], address: '', resource: '' },
    onValuesChange: () => setExplanation(null),
  });
  const checking = useSubmit(form, async ({ rights, address, resource }) => {
    const requiredRights = availableRights.filter((right) => rights.includes(right));
    const explained = await api.explain({
      credential: credential.id,
      requirement:
        requiredRights.length === 0
          ? {}
          : { [kind.kind === 'access_token' ? 'scopes' : 'permissions']: requiredRights },
      ...(address.trim() !== '' && { address: address.trim() }),
      ...(resource.trim() !== '' && { resource: resource.trim() }),
    });
    setExplanation(explained);
  });
  return (
    <Dialog onClose={onClose} title={texts.title(credential.name)} size={560}>
      <Form onSubmit={form.onSubmit(checking.submit)}>
        <DimmedText>{texts.introduction(kind.noun)}</DimmedText>
        <Checkbox.Group
          label={texts.requires(kind.rightsLabel)}
          description={texts.requiresDescription}
          {...form.getInputProps('rights')}
        >
          <div className="checkbox-grid">
            {availableRights.map((right) => (
              <Checkbox key={right} value={right} label={<span className="mono">{right}</span>} />
            ))}
          </div>
        </Checkbox.Group>
        <PlainTextInput
          label={texts.address}
          placeholder={texts.addressPlaceholder}
          {...form.getInputProps('address')}
        />
        <PlainTextInput
          label={texts.resource}
          description={texts.resourceDescription}
          placeholder={texts.resourcePlaceholder}
          {...form.getInputProps('resource')}
        />
        {explanation !== null && <ExplanationNotice explanation={explanation} />}
        <FormFooter saving={checking} submitLabel={texts.check} onCancel={onClose} cancelLabel={texts.close} />
      </Form>
    </Dialog>
  );
}
