import type { Webhook } from '../../contract/webhooks.ts';
import { Tag, type Tone } from '../components/notice.tsx';
import { strings } from './strings.ts';

type WebhookState = keyof typeof strings.state;

const TONES: Readonly<Record<WebhookState, Tone>> = {
  active: 'success',
  failing: 'warning',
  inactive: 'neutral',
  switchedOff: 'danger',
};

export function getWebhookState({ active, failingSince, switchedOffAt }: Webhook): WebhookState {
  if (!active) return switchedOffAt === null ? 'inactive' : 'switchedOff';
  return failingSince === null ? 'active' : 'failing';
}

export function StateTag({ webhook }: { readonly webhook: Webhook }) {
  const state = getWebhookState(webhook);
  return <Tag tone={TONES[state]}>{strings.state[state]}</Tag>;
}
