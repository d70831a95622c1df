import { z } from 'zod';
import { NOTICE_KINDS, NOTIFICATION_MODES } from './event-names.ts';
import { oneOf } from './fields.ts';

const mode = oneOf(NOTIFICATION_MODES).describe(
  '`immediate`: one email per notice. `digest`: one email per day. `off`: no email',
);

export const Notifications = z
  .object({
    kinds: z
      .record(z.enum(NOTICE_KINDS), mode)
      .meta({ examples: [Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, 'digest']))] })
      .describe(
        'Mode by kind of notice, including defaults: `immediate` for urgent kinds, otherwise `digest`. Unless you set a mode for `credential.expiring`, a notice about a credential that expires within a day is emailed immediately',
      ),
    mail: z.boolean().describe('Whether this installation sends email'),
  })
  .meta({ id: 'Notifications' });
export type Notifications = z.infer<typeof Notifications>;

export const UpdateNotifications = z
  .strictObject({
    kinds: z.partialRecord(z.enum(NOTICE_KINDS), mode).meta({ examples: [{ 'run.failed': 'immediate' }] }),
  })
  .meta({ id: 'UpdateNotifications' });
export type UpdateNotifications = z.infer<typeof UpdateNotifications>;
